// Package sdk shows with the AWS SDKs themselves what the credential endpoint
// rests on: each asks again before every request, so that a request is signed
// with the grant of the lease under which it is sent, and without a lease none
// is sent at all. AWS documents none of this; hence the tests.
//
// The clients are programs that send one ecs:ListClusters for each line they
// read, with one client object and the SDK's defaults: client.py (botocore),
// client.sh (AWS CLI), client.mjs (JavaScript), Client.java and go/main.go.
// They run in the environment that the proxy gives a server, against
// internal/fakeaws, which verifies each signature.
//
// The tests carry the build tag e2e and need what "make e2e" installs.
package sdk
