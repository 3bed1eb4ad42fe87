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

// diff says in which fields got is not what it should be, or "". An empty slice
// is as good as nil; a time must be in UTC.
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
	slice(&d, "Scopes", got.Scopes, want.Scopes)
	value(&d, "Family", got.Family, want.Family)
	value(&d, "Parent", got.Parent, want.Parent)
	slice(&d, "Networks", got.Networks, want.Networks)
	moment(&d, "CreatedAt", got.CreatedAt, want.CreatedAt)
	moment(&d, "ExpiresAt", got.ExpiresAt, want.ExpiresAt)
	moment(&d, "RotatedAt", got.RotatedAt, want.RotatedAt)
	moment(&d, "RevokedAt", got.RevokedAt, want.RevokedAt)
	moment(&d, "LastUsedAt", got.LastUsedAt, want.LastUsedAt)
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

// show prints what would be unclear otherwise. It shows digests, which print
// as "[digest]" by themselves: here they stand for nothing.
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
	case []netip.Prefix, int, bool:
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%q", v)
}

// showFilter prints what f restricts.
func showFilter(f store.Filter) string {
	var fields []string
	fs := reflect.ValueOf(f)
	for i := range fs.NumField() {
		if !fs.Field(i).IsZero() {
			fields = append(fields, fmt.Sprintf("%s %s", fs.Type().Field(i).Name, show(fs.Field(i).Interface())))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// outcome prints err as the outcome of a call.
func outcome(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}
