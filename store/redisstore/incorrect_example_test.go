package redisstore_test

import (
	"context"
	"fmt"

	"github.com/keystile/keystile/store/redisstore"
)

// This is WRONG: there is no client, the prefix has braces, and the number of
// replicas is negative. The error names all mistakes, before New asks a server.
func Example_incorrect() {
	_, err := redisstore.New(context.Background(), redisstore.Config{
		Prefix:   "{myapp}",
		Replicas: -1,
	})
	fmt.Println(err)
	// Output:
	// redisstore: Config.Prefix: "{myapp}": contains braces; remove them
	// redisstore: Config.Replicas: -1: negative; set 0 to wait for none
	// redisstore: Config.Client: nil; create it with rueidis.NewClient, or use Open
}
