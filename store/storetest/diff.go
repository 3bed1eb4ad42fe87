package storetest

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

// diff describes the fields in which got differs from want, or returns "". An empty
// slice equals nil. A time must be in UTC.
func diff(got, want *store.Credential) string {
	if got == nil {
		return "a nil credential and no error"
	}
	var d differences
	value(&d, "ID", got.ID, want.ID)
	value(&d, "Kind", got.Kind, want.Kind)
	value(&d, "Digest", got.Digest, want.Digest)
	value(&d, "Subject", got.Subject, want.Subject)
	value(&d, "Name", got.Name, want.Name)
	value(&d, "Hint", got.Hint, want.Hint)
	slice(&d, "Scopes", got.Scopes, want.Scopes)
	value(&d, "Family", got.Family, want.Family)
	value(&d, "ClientID", got.ClientID, want.ClientID)
	value(&d, "Actor", got.Actor, want.Actor)
	slice(&d, "Networks", got.Networks, want.Networks)
	moment(&d, "CreatedAt", got.CreatedAt, want.CreatedAt)
	moment(&d, "ExpiresAt", got.ExpiresAt, want.ExpiresAt)
	moment(&d, "RotatedAt", got.RotatedAt, want.RotatedAt)
	moment(&d, "RevokedAt", got.RevokedAt, want.RevokedAt)
	moment(&d, "LastUsedAt", got.LastUsedAt, want.LastUsedAt)
	value(&d, "LastUsedAddr", got.LastUsedAddr, want.LastUsedAddr)
	slice(&d, "Data", got.Data, want.Data)
	return strings.Join(d, "; ")
}

type differences []string

func (d *differences) add(field string, got, want any) {
	*d = append(*d, fmt.Sprintf("%s = %s, want %s", field, show(got), show(want)))
}

func value[T comparable](d *differences, field string, got, want T) {
	if got != want {
		d.add(field, got, want)
	}
}

func slice[T comparable](d *differences, field string, got, want []T) {
	if !slices.Equal(got, want) {
		d.add(field, got, want)
	}
}

func moment(d *differences, field string, got, want time.Time) {
	if !got.Equal(want) || got.Location() != time.UTC {
		d.add(field, got, want)
	}
}

// show formats a value for a failure. It shows the bytes of digests, which
// otherwise print as "[digest]": the digests of this package belong to no plaintext.
func show(v any) string {
	switch v := v.(type) {
	case store.Digest:
		return fmt.Sprintf("%x", v[:])
	case time.Time:
		switch {
		case v.IsZero():
			return "never"
		case v.Location() != time.UTC:
			return fmt.Sprintf("%s (in %s)", v.Format(time.RFC3339Nano), v.Location())
		}
		return v.Format(time.RFC3339Nano)
	case []netip.Prefix, netip.Addr, int, bool:
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%q", v)
}

func showFilter(f store.Filter) string { return showFields(reflect.ValueOf(f)) }

func showQuery(q store.Query) string { return showFields(reflect.ValueOf(q)) }

func showChanges(ch store.Changes) string { return showFields(reflect.ValueOf(ch)) }

// showFields formats the fields of a struct that are not zero.
func showFields(v reflect.Value) string {
	var fields []string
	for i := range v.NumField() {
		if f := reflect.Indirect(v.Field(i)); f.IsValid() && !v.Field(i).IsZero() {
			fields = append(fields, fmt.Sprintf("%s %s", v.Type().Field(i).Name, show(f.Interface())))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// outcome formats the error that a call returned, which may be nil.
func outcome(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
