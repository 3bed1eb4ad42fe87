package cookie_test

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/securecookie"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// The floors are the least that one writes by hand around a sealed payload of
// the size of ours: take the cookie, open it, check the expiry, put the subject
// into the context, call the handler. They have no scopes, no idle timeout, no
// key rotation, no check of the origin, no renewal.
type floor struct {
	open func(value string) ([]byte, error)
	next http.Handler
}

type floorKey struct{}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(benchName)
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

const benchName = "__Host-session"

// benchPayload is as long as a session's without a store: 54 bytes.
func benchPayload() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(time.Hour).UnixMicro()))
	return append(b, "12345678901234567890123456789012345678901234 ada"...)[:54]
}

func securecookieFloor(tb testing.TB, next http.Handler) (http.Handler, string) {
	sc := securecookie.New(securecookie.GenerateRandomKey(32), securecookie.GenerateRandomKey(32))
	sc.SetSerializer(securecookie.NopEncoder{})
	value, err := sc.Encode(benchName, benchPayload())
	if err != nil {
		tb.Fatal(err)
	}
	return &floor{func(value string) (payload []byte, err error) {
		err = sc.Decode(benchName, value, &payload)
		return payload, err
	}, next}, value
}

func aeadFloor(tb testing.TB, next http.Handler) (http.Handler, string) {
	var key [32]byte
	rand.Read(key[:])
	var aead cipher.AEAD
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		tb.Fatal(err)
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	value := base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, benchPayload(), []byte(benchName)))
	return &floor{func(value string) ([]byte, error) {
		b, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil || len(b) < 24 {
			return nil, http.ErrNoCookie
		}
		return aead.Open(nil, b[:24], b[24:], []byte(benchName))
	}, next}, value
}

// keystile returns our way, with a cookie that needs no renewal.
func keystile(tb testing.TB, codec cookie.Codec, next http.Handler) (http.Handler, string) {
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec})
	if err != nil {
		tb.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{sessions}})
	if err != nil {
		tb.Fatal(err)
	}
	w := httptest.NewRecorder()
	if _, err := sessions.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: "ada"}); err != nil {
		tb.Fatal(err)
	}
	return guard.Require()(next), w.Result().Cookies()[0].Value
}

type way struct {
	name    string
	handler http.Handler
	request *http.Request
}

// discard is a ResponseWriter that costs next to nothing. Its headers stay from
// one request to the next: to empty them would be measured, too.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int) {
	if status != http.StatusOK {
		panic(http.StatusText(status))
	}
}

// ways returns pairs of a floor and our way.
func ways(tb testing.TB) [][2]way {
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mk := func(name string, h http.Handler, value string) way {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "theme=dark; "+benchName+"="+value)
		return way{name, h, r}
	}
	a, av := securecookieFloor(tb, next)
	b, bv := keystile(tb, cookie.SecureCookie, next)
	c, cv := aeadFloor(tb, next)
	d, dv := keystile(tb, cookie.AEAD, next)
	return [][2]way{
		{mk("securecookie/floor", a, av), mk("securecookie/keystile", b, bv)},
		{mk("aead/floor", c, cv), mk("aead/keystile", d, dv)},
	}
}

// BenchmarkGuard measures each way by itself.
func BenchmarkGuard(b *testing.B) {
	for _, pair := range ways(b) {
		for _, way := range pair {
			b.Run(way.name, func(b *testing.B) {
				b.ReportAllocs()
				w := &discard{make(http.Header)}
				for b.Loop() {
					way.handler.ServeHTTP(w, way.request)
				}
			})
		}
	}
}

// BenchmarkRatio measures ours by turns with the floor, and reports how many
// times the floor's time it takes.
func BenchmarkRatio(b *testing.B) {
	const turn = 1000
	for _, pair := range ways(b) {
		b.Run(pair[1].name, func(b *testing.B) {
			w := &discard{make(http.Header)}
			var took [2]time.Duration
			for b.Loop() {
				for k, way := range pair {
					start := time.Now()
					for range turn {
						way.handler.ServeHTTP(w, way.request)
					}
					took[k] += time.Since(start)
				}
			}
			b.ReportMetric(float64(took[1])/float64(took[0]), "x/floor")
		})
	}
}
