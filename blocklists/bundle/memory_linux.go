package bundle

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// hugeEnough is from which size on memory is worth whole large pages.
const hugeEnough = 8 << 20

// allocate gives memory that the collector does not count.
func allocate(size int) ([]byte, error) {
	octets, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	if size >= hugeEnough {
		_ = unix.Madvise(octets, unix.MADV_HUGEPAGE) // fewer misses of the TLB; no harm where there are none
	}
	return octets, nil
}

func free(octets []byte) error { return unix.Munmap(octets) }

// readPage reads without the detours of [os.File], for which the buffer would have to be on the heap.
func readPage(file *os.File, fd uintptr, into *page, at int64) error {
	for done := 0; done < pageSize; {
		n, err := syscall.Pread(int(fd), into[done:], at+int64(done))
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return &os.PathError{Op: "read", Path: file.Name(), Err: err}
		case n == 0:
			return corrupt("%s ends before octet %d", file.Name(), at+int64(done))
		}
		done += n
	}
	return nil
}
