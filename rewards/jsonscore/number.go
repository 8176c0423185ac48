package jsonscore

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxExponent  = 308 // decimal exponents beyond it are never expanded: such a number equals nothing
	maxDigits    = 400 // significant digits of a number that is compared
	maxClean     = 256 // bytes of a string that may be a number
	relTolerance = "1/1000000"
)

// Rational is the exact value of a JSON number or of a plain decimal such as .5 or 18. as a fraction. False when it is
// none, has more than 400 digits or an exponent beyond 308 either way.
func Rational(text string) (*big.Rat, bool) {
	digits, exp, ok := decimal(text)
	if !ok || exp < -maxExponent || exp > maxExponent || len(digits) > maxDigits {
		return nil, false
	}
	return new(big.Rat).SetString(digits + "e" + strconv.Itoa(exp))
}

var decimalForm = regexp.MustCompile(`^(-?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$`)

// decimal splits a number into its mantissa without needless zeros and its written exponent.
func decimal(text string) (mantissa string, exp int, ok bool) {
	m := decimalForm.FindStringSubmatch(text)
	if m == nil {
		return "", 0, false
	}
	if m[5] != "" {
		e, err := strconv.Atoi(m[5])
		if err != nil {
			return "", 0, false
		}
		exp = e
	}
	whole, frac := strings.TrimLeft(m[2], "0"), strings.TrimRight(m[3]+m[4], "0")
	return m[1] + "0" + whole + "." + frac + "0", exp, true
}

// SameNumber says whether a equals g within 1e-6·max(1, |g|), as exact rationals.
func SameNumber(a, g *big.Rat) bool {
	bound, _ := new(big.Rat).SetString(relTolerance)
	if size := new(big.Rat).Abs(g); size.Cmp(big.NewRat(1, 1)) > 0 {
		bound.Mul(bound, size)
	}
	diff := new(big.Rat).Sub(a, g)
	return diff.Abs(diff).Cmp(bound) <= 0
}

var (
	grouped  = regexp.MustCompile(`^(-?)(\d{1,3}(?:,\d{3})+)([^\d,].*)?$`)
	fraction = regexp.MustCompile(`^(-?\d+)/([1-9]\d*)$`)
)

// CleanNumber reads a number from the string that a person might write for it: one leading currency sign, commas that
// group three digits, one trailing percent sign or unit of letters and spaces, one trailing dot, decimals or a fraction.
// A percentage is not divided by 100.
func CleanNumber(s string) (*big.Rat, bool) {
	if len(s) > maxClean {
		return nil, false
	}
	s = strings.TrimSpace(s)
	s = stripCurrency(s)
	if m := grouped.FindStringSubmatch(s); m != nil {
		s = m[1] + strings.ReplaceAll(m[2], ",", "") + m[3]
	}
	if cut, ok := strings.CutSuffix(s, "%"); ok {
		s = strings.TrimSpace(cut)
	} else {
		s = strings.TrimRightFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsSpace(r) })
	}
	s = strings.TrimSuffix(s, ".")
	if m := fraction.FindStringSubmatch(s); m != nil {
		return new(big.Rat).SetString(m[1] + "/" + m[2])
	}
	return Rational(s)
}

// stripCurrency removes one sign of money; a minus may stand before or behind it.
func stripCurrency(s string) string {
	minus := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		minus, s = "-", rest
	}
	for _, sign := range []string{"$", "€", "£"} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			s = strings.TrimSpace(rest)
			break
		}
	}
	return minus + s
}
