package redisstore_test

import (
	"context"
	"fmt"

	"github.com/keystile/keystile/store/redisstore"
)

// This is WRONG: the prefix is written with the braces that the keys have, there
// is no client, and what is revoked is to be forgotten at once, with which its
// reuse could not be noticed. All of it is told before a server is asked.
func Example_incorrect() {
	_, err := redisstore.New(context.Background(), redisstore.Config{
		Prefix:    "{myapp}",
		Retention: -1,
	})
	fmt.Println(err)
	// Output:
	// redisstore: Config.Client: nil: rueidis.NewClient makes one
	// redisstore: Config.Prefix: "{myapp}": must not contain braces, which are put around it
	// redisstore: Config.Retention: -1ns: must be a millisecond or more
}
