package fakeaws

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// A fixture is a resource that can be described, tagged and deleted, and of
// which nothing else is known here.
type fixture struct {
	arn  string
	tags map[string]string
}

func (a *AWS) addFixture(arn string, tags map[string]string) string {
	a.state.fixtures[arn] = &fixture{arn, ownTags(tags)}
	return arn
}

// AddContainerInstance adds a container instance; its cluster is added if it is
// not there.
func (a *AWS) AddContainerInstance(clusterName string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.needCluster(clusterName)
	return a.addFixture(a.ecsARN(a.region, "container-instance/"+clusterName+"/"+hexID()), tags)
}

// AddTaskSet adds a task set of a service, which must be there to find it.
func (a *AWS) AddTaskSet(clusterName, serviceName string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addFixture(a.ecsARN(a.region, "task-set/"+clusterName+"/"+serviceName+"/ecs-svc/"+hexID()), tags)
}

// AddCapacityProvider adds a capacity provider.
func (a *AWS) AddCapacityProvider(name string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addFixture(a.ecsARN(a.region, "capacity-provider/"+name), tags)
}

// AddRepository adds an ECR repository.
func (a *AWS) AddRepository(name string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addFixture(a.arn("ecr", a.region, "repository/"+name), tags)
}

// AddLogGroup adds a log group of CloudWatch Logs.
func (a *AWS) AddLogGroup(name string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addFixture(a.arn("logs", a.region, "log-group:"+name), tags)
}

// AddStack adds a CloudFormation stack with a new id.
func (a *AWS) AddStack(name string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old := a.state.stack(a.arn("cloudformation", a.region, "stack/"+name+"/")); old != nil {
		delete(a.state.fixtures, old.arn)
	}
	return a.addFixture(a.arn("cloudformation", a.region, "stack/"+name+"/"+stackID()), tags)
}

func (a *AWS) arn(service, region, resource string) string {
	return "arn:" + a.partition + ":" + service + ":" + region + ":" + a.account + ":" + resource
}

// stackID returns a UUID, as CloudFormation names stacks.
func stackID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// stack returns the stack whose ARN begins so, or nil: a name has one stack.
func (s state) stack(prefix string) *fixture {
	for arn, x := range s.fixtures {
		if strings.HasPrefix(arn, prefix) {
			return x
		}
	}
	return nil
}
