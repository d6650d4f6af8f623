package audit

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ShowStory is Show, and what else touches the decision: those that shared its
// grant, and where AWS's own record of it is.
func ShowStory(w io.Writer, s Story) error {
	if err := Show(w, s.Records); err != nil {
		return err
	}
	var b strings.Builder
	for i, r := range s.Shared {
		label := ""
		if i == 0 {
			label = "shared"
		}
		text := fmt.Sprintf("%s  %s", r.DecisionID, r.Timestamp.Format(time.RFC3339))
		if in := r.Input; in != nil {
			text += "  " + strings.TrimSpace(in.Tool+" "+in.Operation)
		}
		if r.RequestedBy != "" {
			text += "  by " + r.RequestedBy
		}
		line(&b, label, text)
	}
	if len(s.Shared) > 0 {
		line(&b, "", "  were lent the same grant, so what AWS recorded of it can be theirs")
	}
	showTrail(&b, s)
	_, err := io.WriteString(w, b.String())
	return err
}

// What goes into a command to be pasted. Source: IAM API reference, AccessKey,
// and STS API reference, AssumeRole, RoleSessionName.
var (
	accessKeyForm = regexp.MustCompile(`^\w{16,128}$`)
	sessionForm   = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	regionForm    = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// CloudTrail has an event within minutes of the request.
// Source: CloudTrail user guide, "How CloudTrail works".
const trailDelay = 15 * time.Minute

// showTrail says how to find what AWS recorded of each access key.
func showTrail(b *strings.Builder, s Story) {
	var keys, sessions []string
	var region string
	var from, to time.Time
	for _, r := range s.Records {
		if r.Input != nil && regionForm.MatchString(r.Input.Region) {
			region = r.Input.Region
		}
		if g := r.Grant; g != nil && accessKeyForm.MatchString(g.AccessKeyID) && sessionForm.MatchString(g.SessionName) {
			if from.IsZero() {
				from = r.Timestamp
			}
			if g.Until.After(to) {
				to = g.Until
			}
			if !slices.Contains(keys, g.AccessKeyID) {
				keys = append(keys, g.AccessKeyID)
			}
			if !slices.Contains(sessions, g.SessionName) {
				sessions = append(sessions, g.SessionName)
			}
		}
	}
	if len(keys) == 0 {
		return
	}
	start, stop := from.UTC().Add(-time.Minute).Format(time.RFC3339), to.UTC().Add(trailDelay).Format(time.RFC3339)
	for i, key := range keys {
		label := ""
		if i == 0 {
			label = "cloudtrail"
		}
		text := "aws cloudtrail lookup-events"
		if region != "" {
			text += " --region " + region
		}
		line(b, label, text+" --lookup-attributes AttributeKey=AccessKeyId,AttributeValue="+key+" --start-time "+start+" --end-time "+stop)
	}
	line(b, "athena", "SELECT eventtime, eventsource, eventname, errorcode, errormessage, requestparameters FROM cloudtrail_logs WHERE (useridentity.accesskeyid IN ('"+
		strings.Join(keys, "', '")+"') OR useridentity.arn LIKE '%:assumed-role/%/"+strings.Join(sessions, "' OR useridentity.arn LIKE '%:assumed-role/%/")+
		"') AND eventtime BETWEEN '"+start+"' AND '"+stop+"' ORDER BY eventtime")
	line(b, "", "  the table that CloudTrail's console makes for Athena; in CloudTrail Lake, FROM the id of the event data store")
}
