// What Go's own transparency log library (golang.org/x/mod/sumdb/{note,tlog}, which the module proxy's users rely on)
// makes of a log of ours, and a log of its own making for ours to verify. It knows nothing of this repository.
//
//	interop verify DIR VKEY             signature, root, and an inclusion proof for every entry
//	interop proof FILE VKEY             a tlog-proof file that the auditor's tool wrote
//	interop consistency DIR VKEY OLD    hashes on standard input: is DIR a continuation of the checkpoint in OLD
//	interop write DIR SIZE              a log of SIZE entries, as C2SP tlog-tiles; prints its verifier key
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // Of tiles, in tlog-tiles.

// A tile's path: Go's own has the height in it, tlog-tiles' has not.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

type folder string

func (dir folder) Height() int                       { return height }
func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir folder) read(name string, width int) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(dir), name))
	if errors.Is(err, os.ErrNotExist) {
		// A partial tile may go once the full one is there.
		if full, _, partial := strings.Cut(name, ".p/"); partial {
			data, err = os.ReadFile(filepath.Join(string(dir), full))
			if err == nil && width > 0 {
				data = data[:width]
			}
		}
	}
	return data, err
}

func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := dir.read(path(tile), tile.W*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// A checkpoint that the key signed.
func open(text []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	signed, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("no checkpoint under the key's name")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func openFile(name, vkey string) (tlog.Tree, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return tlog.Tree{}, err
	}
	return open(text, vkey)
}

func verify(dir folder, vkey string) error {
	tree, err := openFile(filepath.Join(string(dir), "checkpoint"), vkey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, dir)
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the root is another")
	}
	for start := int64(0); start < tree.N; start += 256 {
		width := tree.N - start
		if width > 256 {
			width = 256
		}
		name := strings.Replace(path(tlog.Tile{H: height, L: 0, N: start / 256, W: int(width)}), "tile/0/", "tile/entries/", 1)
		bundle, err := dir.read(name, 0)
		if err != nil {
			return err
		}
		for index := start; index < start+width; index++ {
			length := int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %v", index, err)
			}
		}
	}
	fmt.Println(tree.N)
	return nil
}

func checkProof(name, vkey string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	head, checkpoint, _ := strings.Cut(string(text), "\n\n")
	tree, err := open([]byte(checkpoint), vkey)
	if err != nil {
		return err
	}
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Println(index)
	return nil
}

func consistency(dir, vkey, old string) error {
	before, err := openFile(old, vkey)
	if err != nil {
		return err
	}
	after, err := openFile(filepath.Join(dir, "checkpoint"), vkey)
	if err != nil {
		return err
	}
	var proof tlog.TreeProof
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		hash, err := tlog.ParseHash(lines.Text())
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	if err := tlog.CheckTree(proof, after.N, after.Hash, before.N, before.Hash); err != nil {
		return err
	}
	fmt.Println(before.N, after.N)
	return nil
}

// Entries of all lengths; the first is the longest that there can be, the second is empty.
func entry(index int64) []byte {
	switch index {
	case 0:
		return bytes.Repeat([]byte{0xff}, 65535)
	case 1:
		return nil
	}
	return []byte(fmt.Sprintf("entry %d of a log that Go wrote %s", index, strings.Repeat("+", int(index%97))))
}

type stored []tlog.Hash

func (hashes stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, index := range indexes {
		all = append(all, hashes[index])
	}
	return all, nil
}

func write(dir, count string) error {
	size, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return err
	}
	put := func(name string, data []byte) error {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, data, 0o644)
	}
	var hashes stored
	var bundle []byte
	for index := int64(0); index < size; index++ {
		data := entry(index)
		added, err := tlog.StoredHashes(index, data, hashes)
		if err != nil {
			return err
		}
		hashes = append(hashes, added...)
		bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(data)))
		bundle = append(bundle, data...)
		if width := int(index%256) + 1; width == 256 || index == size-1 {
			tile := tlog.Tile{H: height, L: 0, N: index / 256, W: width}
			if err := put(strings.Replace(path(tile), "tile/0/", "tile/entries/", 1), bundle); err != nil {
				return err
			}
			bundle = nil
		}
	}
	for _, tile := range tlog.NewTiles(height, 0, size) {
		data, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			return err
		}
		if err := put(path(tile), data); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		return err
	}
	private, public, err := note.GenerateKey(rand.Reader, "go.example.test/log")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	// A signature by somebody whom nobody knows, and a line that the log added: both are allowed.
	stranger, _, err := note.GenerateKey(rand.Reader, "stranger.example.test")
	if err != nil {
		return err
	}
	other, err := note.NewSigner(stranger)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("go.example.test/log\n%d\n%s\nan extension\n", size, root)
	signed, err := note.Sign(&note.Note{Text: text}, other, signer)
	if err != nil {
		return err
	}
	fmt.Println(public)
	return put("checkpoint", signed)
}

func main() {
	var err error
	switch arguments := os.Args[1:]; {
	case len(arguments) == 3 && arguments[0] == "verify":
		err = verify(folder(arguments[1]), arguments[2])
	case len(arguments) == 3 && arguments[0] == "proof":
		err = checkProof(arguments[1], arguments[2])
	case len(arguments) == 4 && arguments[0] == "consistency":
		err = consistency(arguments[1], arguments[2], arguments[3])
	case len(arguments) == 3 && arguments[0] == "write":
		err = write(arguments[1], arguments[2])
	default:
		err = errors.New("see the comment at the head of this file")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
