package do53

import "unsafe"

// The kernel's part is played on raw memory.

func ptr[T any](of *T) unsafe.Pointer { return unsafe.Pointer(of) }

func slice(base *byte, length int) []byte { return unsafe.Slice(base, length) }
