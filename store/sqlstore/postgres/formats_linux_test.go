package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// S13: the store works in a database with other formats and another encoding.
func TestFormats(t *testing.T) {
	server := services.StartPostgres(t)
	for name, setup := range map[string]string{
		"bytea":     `ALTER DATABASE bytea SET bytea_output = 'escape'`,
		"dates":     `ALTER DATABASE dates SET DateStyle = 'German'`,
		"zone":      `ALTER DATABASE zone SET TimeZone = 'Asia/Kathmandu'`,
		"escapes":   `ALTER DATABASE escapes SET standard_conforming_strings = off`,
		"isolation": `ALTER DATABASE isolation SET default_transaction_isolation = 'serializable'`,
		"latin1":    `ALTER DATABASE latin1 SET client_encoding = 'LATIN1'`,
	} {
		if name == "latin1" {
			server.Query(`CREATE DATABASE latin1 ENCODING LATIN1 TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
		} else {
			server.Query(`CREATE DATABASE ` + name)
		}
		server.Query(setup)
		for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				st := open(t, server.DSN(name)+"&default_query_exec_mode="+mode)
				c := credential(mode)
				c.Name, c.Data = "Zoë", []byte("\x00\\x41\xff")
				insert(t, st, c)
				got, err := st.Find(t.Context(), c.Kind, c.Digest)
				if err != nil || got.Name != c.Name || string(got.Data) != string(c.Data) || !got.CreatedAt.Equal(c.CreatedAt) || got.Digest != c.Digest {
					t.Errorf("Find = %+v, %v, want %+v", got, err, c)
				}
				if _, err := st.Revoke(t.Context(), store.Filter{ID: c.ID}, time.Now()); err != nil {
					t.Error(err)
				}
				if name == "latin1" {
					if err := st.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "LATIN1") {
						t.Errorf("Check: %v, want the encoding named", err)
					}
					other := credential("other " + mode)
					other.Name = "日本"
					if _, err := st.Insert(t.Context(), other, store.Limits{}); err == nil || errors.Is(err, store.ErrExists) {
						t.Errorf("Insert of what cannot be kept: %v, want an outage", err)
					}
				}
			})
		}
	}
}
