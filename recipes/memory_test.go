package recipes

import "testing"

func TestMemoryLimit(t *testing.T) {
	for text, want := range map[string]int64{
		"auto": 0, "3GB": 3e9, "4 GB": 4e9, "1.5GB": 1.5e9, "800MB": 8e8, "8GiB": 8 << 30, "512MiB": 512 << 20, "1TB": 1e12, "0.5TiB": 1 << 39,
	} {
		if got, err := MemoryLimit(text); err != nil || got != want {
			t.Errorf("%s: %d, error %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "4", "4G", "4gb", "GB", "-4GB", "4GB ", " 4GB", "4,5GB", "1e3GB", "4KB", "0GB", "0.5MB", "2000TB", ".5GB", "4.GB", "automatic", "99999999999999999999999TB"} {
		if got, err := MemoryLimit(text); err == nil {
			t.Errorf("%q was taken as %d", text, got)
		}
	}
}
