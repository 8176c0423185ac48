package ref_test

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/computetest"
	"github.com/burnish-rl/burnish/internal/compute/ref"
)

func TestBackend(t *testing.T) { computetest.Run(t, ref.New()) }
