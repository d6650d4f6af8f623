package fakeaws

import "encoding/xml"

var stsOperations = map[string]func(*call) (any, *fault){
	"AssumeRole":        (*call).assumeRole,
	"GetCallerIdentity": (*call).getCallerIdentity,
}

// stsVersion is the only version of the STS API.
const stsVersion = "2011-06-15"

type callerIdentityResponse struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Arn     string   `xml:"GetCallerIdentityResult>Arn"`
	UserID  string   `xml:"GetCallerIdentityResult>UserId"`
	Account string   `xml:"GetCallerIdentityResult>Account"`
}

// getCallerIdentity needs no permission, and an explicit deny does not stop it.
// Source: STS API reference, GetCallerIdentity.
func (c *call) getCallerIdentity() (any, *fault) {
	for name := range c.form {
		if name != "Action" && name != "Version" {
			return nil, unknownParameter(name)
		}
	}
	if c.form.Get("Version") != stsVersion {
		return nil, unknownOperation("of version " + c.form.Get("Version"))
	}
	c.allowed, c.reason = true, "allowed without policy"
	return callerIdentityResponse{Arn: c.caller.arn, UserID: c.caller.userID, Account: c.caller.account}, nil
}

// unknownParameter refuses what this STS would otherwise have to ignore:
// AWS may act on it, and a misspelt restriction would vanish.
func unknownParameter(name string) *fault {
	return newFault("InvalidParameterValue", "parameter %s is unknown or not supported here", name)
}
