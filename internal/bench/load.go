package bench

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/burnish-rl/burnish/internal/machine"
)

// Linux says what every process used in /proc/stat, in ticks of a hundredth of a second (USER_HZ, fixed in its ABI).
const tick = 10 * time.Millisecond

// Meter finds how busy other processes keep the machine: one busy core makes two threads of products up to 40 times
// slower.
type Meter struct {
	at        time.Time
	all, mine time.Duration
	ok        bool
}

// StartMeter begins.
func StartMeter() Meter {
	all, ok := busyTime()
	return Meter{at: time.Now(), all: all, mine: ownTime(), ok: ok}
}

// Foreign is the mean number of cores that others used since the start; NaN where it can't be known.
func (m Meter) Foreign() float64 {
	all, ok := busyTime()
	passed := time.Since(m.at)
	if !ok || !m.ok || passed < 5*tick {
		return math.NaN()
	}
	others := (all - m.all) - (ownTime() - m.mine)
	return max(0, others.Seconds()/passed.Seconds())
}

// busyTime is what all processes and the hypervisor's other guests have used since the machine began.
func busyTime() (time.Duration, bool) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(data), "\n")
	words := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal …
	if len(words) < 9 || words[0] != "cpu" {
		return 0, false
	}
	ticks := int64(0)
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			return 0, false
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, true
}

// resetPeak sets the high-water mark of the resident set to what is resident now, after garbage has gone.
func resetPeak() {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // where it can't, the mark is the process's
}

// peakRSS is the high-water mark of the resident set in bytes, 0 where /proc doesn't say.
func peakRSS() int64 {
	bytes, _ := machine.PeakMemory()
	return bytes
}
