package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
)

// readTar returns a file of a compressed archive.
func readTar(packed []byte, name string) (string, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if err != nil {
			return "", err
		}
		if h.Name == name {
			text, err := io.ReadAll(r)
			return string(text), err
		}
	}
}
