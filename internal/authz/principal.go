package authz

import (
	"fmt"
	"os/user"
)

// KindOSUser is the kind of a principal that is a user of the operating system.
const KindOSUser = "os-user"

// OSUser is the principal that a stdio wrapper acts for: the user it runs as.
// A user id without a name stands for itself, so that a container's bare uid works.
func OSUser() (Principal, error) {
	u, err := user.Current()
	if err != nil {
		return Principal{}, fmt.Errorf("identify user: %w", err)
	}
	id := u.Username
	if id == "" {
		id = u.Uid
	}
	return Principal{Kind: KindOSUser, ID: id, Tags: map[string]string{"uid": u.Uid}}, nil
}
