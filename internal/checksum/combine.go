package checksum

import "fmt"

// A CRC is the remainder of the message, seen as a polynomial over GF(2), by a
// fixed polynomial P. Putting len2 bytes behind a message multiplies its
// polynomial by x^(8*len2), so
//
//	crc(AB) = crc(A) * x^(8*len(B)) mod P  xor  crc(B)
//
// The inversion before and after, which all three CRCs have, cancels out. The
// CRCs are reflected: the highest bit of a value is the coefficient of x^0, and
// multiplying by x is a shift to the right. The 32-bit CRCs are kept in the
// high half of the word, so that one routine serves both widths.

// field is the arithmetic of one CRC's polynomial.
type field struct {
	poly  uint64     // P, reflected, in the high bits; in 64 bits without its leading term
	shift uint       // 64 minus the width of the CRC
	bytes [63]uint64 // bytes[k] is x^(8 * 2^k) mod P: 2^k bytes put behind
}

// Source of the polynomials: hash/crc32 (IEEE, Castagnoli) and the NVM Express
// NVM Command Set Specification, "64b CRC" (reflected).
var (
	fieldCRC32     = newField(0xedb88320<<32|1<<31, 32)
	fieldCRC32C    = newField(0x82f63b78<<32|1<<31, 32)
	fieldCRC64NVME = newField(0x9a6c9329ac4bc9b5, 64)
)

// newField fills the table of powers by squaring.
func newField(poly uint64, width uint) *field {
	f := &field{poly: poly, shift: 64 - width}
	power := uint64(1) << (63 - 8) // x^8: one byte
	for k := range f.bytes {
		f.bytes[k] = power
		power = f.multiply(power, power)
	}
	return f
}

// multiply returns a*b mod P. Both factors and the product stand in the high
// bits. It has no branches in its loop: the bits of a are as good as random.
func (f *field) multiply(a, b uint64) uint64 {
	var product uint64
	for ; a != 0; a <<= 1 {
		product ^= b & -(a >> 63)
		overflow := -(b >> f.shift & 1) // all ones where x*b reaches the degree of P
		b = b>>1 ^ f.poly&overflow
	}
	return product
}

// behind returns x^(8*n) mod P, the factor that n bytes put behind a message
// multiply its CRC by.
func (f *field) behind(n int64) uint64 {
	factor := uint64(1) << 63 // x^0
	for k := 0; n != 0; k++ {
		if n&1 != 0 {
			factor = f.multiply(f.bytes[k], factor)
		}
		n >>= 1
	}
	return factor
}

// append returns the CRC of a message crc1 with one of crc2 behind it, whose
// length is in factor.
func (f *field) append(crc1, crc2, factor uint64) uint64 {
	return f.multiply(crc1<<f.shift, factor)>>f.shift ^ crc2
}

// fieldOf returns the arithmetic of a, which must be combinable.
func fieldOf(a Algorithm) *field {
	switch a {
	case CRC32:
		return fieldCRC32
	case CRC32C:
		return fieldCRC32C
	case CRC64NVME:
		return fieldCRC64NVME
	}
	panic(fmt.Sprintf("checksum: values of algorithm %s cannot be combined", a))
}

// Combine returns the CRC of two messages put together, from the CRC of each
// and the length of the second in bytes. It takes O(log len2) time and
// allocates nothing. It panics if a is not combinable or len2 is negative.
func Combine(a Algorithm, crc1, crc2 uint64, len2 int64) uint64 {
	f := fieldOf(a)
	if len2 < 0 {
		panic(fmt.Sprintf("checksum: combine with negative length %d", len2))
	}
	return f.append(crc1, crc2, f.behind(len2))
}
