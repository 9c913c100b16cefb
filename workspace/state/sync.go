package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// syncDir brings the directory's entries to the disk, without which a rename
// may be undone by a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing the state folder: %w", err)
	}
	defer d.Close() //nolint:errcheck // only synced
	// Some file systems (SMB, FUSE) cannot sync a directory and say so.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("syncing the state folder: %w", err)
	}
	return nil
}

// maxFile is more than any file of the state folder has; a larger one is a
// mistake, such as a device.
const maxFile = 16 << 20

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what was being read
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %d bytes", maxFile)
	}
	return data, nil
}
