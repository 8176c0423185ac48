"""Writes train.parquet with pyarrow (26.0.1 made the one here): python make_parquet.py"""
import pyarrow as pa
import pyarrow.parquet as pq

message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
schema = pa.schema([
    ("prompt", pa.string()), ("chosen", message), ("rejected", message), ("label", pa.bool_()), ("score", pa.float64()),
    ("large", pa.int64()), ("ids", pa.list_(pa.int32())), ("note", pa.string()), ("texts", pa.list_(pa.large_string())),
])


def talk(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


rows = [
    {"prompt": "1+1?", "chosen": talk("Héllo < >", "Hi."), "rejected": talk("Héllo < >", "Go away."), "label": True,
     "score": 0.25, "large": 9007199254740993, "ids": [1, 2147483647], "note": None, "texts": ["a", "b"]},
    {"prompt": "Second", "chosen": talk("A", "B"), "rejected": talk("A", "C"), "label": False,
     "score": 1.0, "large": 7, "ids": [5], "note": "x", "texts": ["c", "d"]},
]
pq.write_table(pa.Table.from_pylist(rows, schema=schema), "train.parquet", compression="zstd")
