// Checks a served log with the packages of Go's checksum database, which know nothing of us.
//
//	verifier URL VERIFIER_KEY [OLD_SIZE OLD_ROOT_BASE64]
//
// It opens the checkpoint with sumdb/note, rebuilds the tree from the entries with sumdb/tlog,
// compares it with the signed root and with every tile, proves some entries from the tiles, and
// proves that the tree of OLD_SIZE leaves is where this one began.
//
//	verifier -
//
// checks proofs from standard input, see prove.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type server struct{ url string }

func (s server) get(path string) ([]byte, error) {
	answer, err := http.Get(s.url + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

func (s server) Height() int { return height }

func (s server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// sumdb paths name the height, tlog-tiles paths don't: tile/8/0/001 is tile/0/001
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := s.get(path)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (s server) SaveTiles([]tlog.Tile, [][]byte) {}

func (s server) entries(size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n<<height < size; n++ {
		width := size - n<<height
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: 0, N: n, W: int(width)}
		data, err := s.get(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(data) < 2 {
				return nil, errors.New("bundle is cut short")
			}
			length := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+length {
				return nil, errors.New("bundle is cut short")
			}
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) > 0 {
			return nil, errors.New("bundle has more than its entries")
		}
	}
	return all, nil
}

// rebuild computes the tree from the entries and compares it with the signed root and with every
// tile. TileHashReader alone would not do: in x/mod 0.7.0, which Debian 12 has, it leaves out
// some tiles when it authenticates them (it counts hashes where it should count tiles).
func rebuild(s server, tree tlog.Tree, entries [][]byte) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for n, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(n), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the entries don't lead to the signed root")
	}
	for level := 0; tree.N>>(height*level) > 0; level++ {
		for first := int64(0); first < tree.N>>(height*level); first += 1 << height {
			tile := tlog.Tile{H: height, L: level, N: first >> height, W: 1 << height}
			if rest := tree.N>>(height*level) - first; rest < 1<<height {
				tile.W = int(rest)
			}
			built, err := tlog.ReadTileData(tile, reader)
			if err != nil {
				return err
			}
			served, err := s.ReadTiles([]tlog.Tile{tile})
			if err != nil {
				return err
			}
			if !bytes.Equal(built, served[0]) {
				return fmt.Errorf("%s is not what the entries say", tile.Path())
			}
		}
	}
	return nil
}

func checkpoint(signed []byte, key string) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

func check(args []string) error {
	s := server{args[0] + "/log/"}
	key, err := s.get("key")
	if err != nil {
		return err
	}
	if string(bytes.TrimSpace(key)) != args[1] {
		return errors.New("another key is served")
	}
	signed, err := s.get("checkpoint")
	if err != nil {
		return err
	}
	tree, err := checkpoint(signed, args[1])
	if err != nil {
		return err
	}
	entries, err := s.entries(tree.N)
	if err != nil {
		return err
	}
	if err := rebuild(s, tree, entries); err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, s)
	step := tree.N/7 + 1
	for n := int64(0); n < tree.N; n += step {
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entries[n])); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	if len(args) == 4 {
		size, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			return err
		}
		root, err := base64.StdEncoding.DecodeString(args[3])
		if err != nil {
			return err
		}
		var old tlog.Hash
		copy(old[:], root)
		proof, err := tlog.ProveTree(tree.N, size, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, old); err != nil {
			return fmt.Errorf("the tree of %d leaves is not where this one began: %w", size, err)
		}
	}
	fmt.Println(tree.N)
	return nil
}

// prove checks proofs that the other side made: lines of
// "record SIZE ROOT INDEX LEAF_HASH PROOF..." or "tree NEW ROOT OLD ROOT PROOF...".
func prove(in io.Reader) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	count := 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			return fmt.Errorf("not a proof: %q", line)
		}
		t, err1 := strconv.ParseInt(fields[1], 10, 64)
		n, err2 := strconv.ParseInt(fields[3], 10, 64)
		if err1 != nil || err2 != nil {
			return fmt.Errorf("not a proof: %q", line)
		}
		var hashes []tlog.Hash
		for _, field := range append([]string{fields[2], fields[4]}, fields[5:]...) {
			hash, err := tlog.ParseHash(field)
			if err != nil {
				return err
			}
			hashes = append(hashes, hash)
		}
		if fields[0] == "record" {
			err = tlog.CheckRecord(hashes[2:], t, hashes[0], n, hashes[1])
		} else {
			err = tlog.CheckTree(hashes[2:], t, hashes[0], n, hashes[1])
		}
		if err != nil {
			return fmt.Errorf("%s %d %d: %w", fields[0], t, n, err)
		}
		count++
	}
	fmt.Println(count)
	return nil
}

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 1 && args[0] == "-":
		err = prove(os.Stdin)
	case len(args) == 2 || len(args) == 4:
		err = check(args)
	default:
		err = errors.New("usage: verifier URL KEY [OLD_SIZE OLD_ROOT] | verifier -")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
