package redisstore

import (
	"strconv"

	"github.com/keystile/keystile/store"
)

// All keys of an account are in one of 256 partitions, so they are on one server of a
// cluster, as scripts require. A credential whose digest and ID belong to the
// partition of its account is found there at once. See [Store.FitsDigest].
const partitions = 256

// slots is how many slots a Redis Cluster has.
const slots = 16384

// newTags returns the hash tag of each partition. Partition i is in slot 64 i, so
// that partitions are spread evenly over any number of primaries.
func newTags() (tags [partitions]string) {
	for n, found := 0, 0; found < partitions; n++ {
		tag := strconv.Itoa(n)
		slot := int(crc16(tag)) % slots
		if i := slot / (slots / partitions); slot%(slots/partitions) == 0 && tags[i] == "" {
			tags[i] = tag
			found++
		}
	}
	return tags
}

// crc16 is CRC-16/XMODEM, by which Redis Cluster assigns keys to slots:
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/.
func crc16(s string) (crc uint16) {
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

func newPrefixes(prefix string) (prefixes [partitions]string) {
	for i, tag := range newTags() {
		prefixes[i] = prefix + "{" + tag + "}:"
	}
	return prefixes
}

// keyPrefix returns the prefix of a partition's keys and channels.
func (s *Store) keyPrefix(partition byte) string { return s.prefixes[partition] }

// channel returns the channel on which changes in a partition are published.
func (s *Store) channel(partition byte) string { return s.keyPrefix(partition) + "changes" }

// digestKey and idKey return the keys by which a credential is looked up.
func (s *Store) digestKey(partition byte, d store.Digest) string {
	return s.keyPrefix(partition) + "d:" + string(d[:])
}

func (s *Store) idKey(partition byte, id string) string { return s.keyPrefix(partition) + "i:" + id }

// partitionOf returns the partition of a subject or an ID: a byte of its FNV-1a
// hash.
func partitionOf(name string) byte {
	hash := uint32(2166136261)
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return byte(hash ^ hash>>8 ^ hash>>16 ^ hash>>24)
}

// partitionOfDigest returns the partition of a digest, whose bytes are uniform.
func partitionOfDigest(d store.Digest) byte { return d[0] }

// FitsDigest implements [store.Placer]. It reports whether Find gets the
// credential with one GETEX; otherwise it needs two.
func (s *Store) FitsDigest(subject string, d store.Digest) bool {
	return partitionOfDigest(d) == partitionOf(subject)
}

// FitsID implements [store.Placer].
func (s *Store) FitsID(subject, id string) bool { return partitionOf(id) == partitionOf(subject) }
