//go:build !linux

package turns

import "time"

// Thread and Process are Wall, which other programs disturb.
func Thread() time.Duration  { return Wall() }
func Process() time.Duration { return Wall() }
