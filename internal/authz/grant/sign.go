package grant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// ErrEnded is the class of a request that cannot be signed any more: the grant
// of its call has ended.
var ErrEnded = errors.New("the call's grant has ended")

// Sign signs a request to an AWS service with the grant, at AWS's time. What the
// request holds must not change afterwards. The error is of class ErrEnded if AWS
// would not take the signature any more.
// Source: IAM user guide, "AWS Signature Version 4 for API requests".
func (g *Grant) Sign(ctx context.Context, r *http.Request, body []byte, service, region string) error {
	now := time.Now()
	if !g.Until.After(now) || !g.Expires.After(now) {
		return fmt.Errorf("%w, at %s", ErrEnded, g.Until.UTC().Format(time.RFC3339))
	}
	sum := sha256.Sum256(body)
	keys := aws.Credentials{AccessKeyID: g.AccessKeyID, SecretAccessKey: g.secret.reveal(), SessionToken: g.token.reveal()}
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), service, region, now.Add(g.Skew)); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	return nil
}
