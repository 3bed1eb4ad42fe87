package way

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/securecookie"
	"golang.org/x/crypto/chacha20poly1305"
)

// The floors are what a careful engineer writes by hand for one kind of
// credential: take it from the request, look it up or open it, check the expiry,
// put the identity into the context, call the handler. They have no scopes, no
// accounts, no checksum, no Cache-Control, no challenges, no key rotation and no
// check of the origin.
type floorKey struct{}

type floorToken struct {
	subject string
	expires time.Time
}

func floorInner() *inner {
	return &inner{subject: func(r *http.Request) string { return r.Context().Value(floorKey{}).(*floorToken).subject }}
}

// floor keeps tokens in maps under locks: one, or one for each value of a
// digest's first byte, so that neither a lock nor growth is a matter of all.
type floor struct {
	shards []shard // a power of two
	next   http.Handler
}

type shard struct {
	mu     sync.RWMutex
	tokens map[[32]byte]*floorToken
}

func (f *floor) shard(digest *[32]byte) *shard { return &f.shards[int(digest[0])&(len(f.shards)-1)] }

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	digest := sha256.Sum256([]byte(token))
	s := f.shard(&digest)
	s.mu.RLock()
	t := s.tokens[digest]
	s.mu.RUnlock()
	if t == nil || !time.Now().Before(t.expires) {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	f.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), floorKey{}, t)))
}

// newFloor returns a floor that knows what s issued.
func newFloor(s *issued, shards int) *Way {
	in := floorInner()
	f := &floor{shards: make([]shard, shards), next: in}
	for i := range f.shards {
		f.shards[i].tokens = make(map[[32]byte]*floorToken)
	}
	for _, c := range s.credentials {
		digest := sha256.Sum256([]byte(strings.TrimPrefix(c.value, "Bearer ")))
		f.shard(&digest).tokens[digest] = &floorToken{c.subject, s.expires}
	}
	return &Way{Name: FloorBearer, Status: 200, handler: f, inner: in, header: "Authorization", values: s.credentials}
}

// cookieFloor opens a cookie.
type cookieFloor struct {
	open func(value string) ([]byte, error)
	next http.Handler
}

const cookieName = "__Host-session"

func (f *cookieFloor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	payload, err := f.open(c.Value)
	if err != nil || time.Now().UnixMicro() >= int64(binary.BigEndian.Uint64(payload)) {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	f.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), floorKey{}, string(payload[8:]))))
}

// payload is as long as a session's without a store: 54 bytes.
func payload() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(24*time.Hour).UnixMicro()))
	return append(b, "123456789012345678901234567890123456789012 ada"...)
}

func newCookieFloor(name, value string, open func(string) ([]byte, error)) *Way {
	in := &inner{subject: func(r *http.Request) string {
		s := r.Context().Value(floorKey{}).(string)
		return s[strings.LastIndexByte(s, ' ')+1:]
	}}
	return &Way{Name: name, Status: 200, handler: &cookieFloor{open, in}, inner: in, header: "Cookie",
		values: []credential{{cookieHeader(cookieName, value), "ada"}}}
}

// cookieHeader is what a browser sends, with another cookie before ours.
func cookieHeader(name, value string) string { return "theme=dark; " + name + "=" + value }

func cookieFloors() (aead, secure *Way, err error) {
	var key [32]byte
	rand.Read(key[:])
	x, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, nil, err
	}
	nonce := make([]byte, x.NonceSize())
	rand.Read(nonce)
	sealed := base64.RawURLEncoding.EncodeToString(x.Seal(nonce, nonce, payload(), []byte(cookieName)))
	aead = newCookieFloor(FloorAEAD, sealed, func(value string) ([]byte, error) {
		b, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil || len(b) < 24 {
			return nil, http.ErrNoCookie
		}
		return x.Open(nil, b[:24], b[24:], []byte(cookieName))
	})

	sc := securecookie.New(securecookie.GenerateRandomKey(32), securecookie.GenerateRandomKey(32))
	sc.SetSerializer(securecookie.NopEncoder{}) // the fastest that it offers
	value, err := sc.Encode(cookieName, payload())
	secure = newCookieFloor(FloorDefault, value, func(value string) (payload []byte, err error) {
		err = sc.Decode(cookieName, value, &payload)
		return payload, err
	})
	return aead, secure, err
}
