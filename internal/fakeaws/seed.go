package fakeaws

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// The Add functions put resources into the configured region and return their
// ARNs. Names are taken as they are; adding a name again replaces the resource.

func (a *AWS) ecsARN(region, resource string) string {
	return "arn:" + a.partition + ":ecs:" + region + ":" + a.account + ":" + resource
}

// AddCluster adds an active cluster.
func (a *AWS) AddCluster(name string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addCluster(name, tags).arn
}

// AddService adds an active service with a desired count of one; its cluster,
// and a task definition of its name, are added if they are not there.
func (a *AWS) AddService(clusterName, name string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	arn := a.ecsARN(a.region, "service/"+clusterName+"/"+name)
	a.state.services[arn] = &service{
		arn: arn, name: name, status: active, cluster: a.needCluster(clusterName), desired: 1, launchType: "FARGATE",
		definition: a.needDefinition(name), created: a.clock(), tags: ownTags(tags),
	}
	return arn
}

// AddTaskDefinition adds the next revision of a family, with one container. The
// roles may be empty.
func (a *AWS) AddTaskDefinition(family, taskRoleARN, executionRoleARN string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.addDefinition(a.region, family, &taskDefinition{
		taskRole: taskRoleARN, execution: executionRoleARN, tags: ownTags(tags),
		echo: map[string]json.RawMessage{"containerDefinitions": json.RawMessage(`[{"name":"main","image":"example/main:1","essential":true}]`)},
	}).arn
}

// AddTask adds a running task; its cluster, and a task definition of the
// family, are added if they are not there.
func (a *AWS) AddTask(clusterName, family string, tags map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.addTask(a.region, a.needCluster(clusterName))
	t.definition, t.tags = a.needDefinition(family), ownTags(tags)
	t.group = "family:" + family
	return t.arn
}

func (a *AWS) addCluster(name string, tags map[string]string) *cluster {
	arn := a.ecsARN(a.region, "cluster/"+name)
	a.state.clusters[arn] = &cluster{arn: arn, name: name, status: active, tags: ownTags(tags)}
	return a.state.clusters[arn]
}

func (a *AWS) needCluster(name string) string {
	arn := a.ecsARN(a.region, "cluster/"+name)
	if a.state.activeCluster(arn) == nil {
		a.addCluster(name, nil)
	}
	return arn
}

func (a *AWS) needDefinition(family string) string {
	if d := a.state.latest(a.ecsARN(a.region, "task-definition/"), family); d != nil {
		return d.arn
	}
	return a.addDefinition(a.region, family, &taskDefinition{tags: ownTags(nil)}).arn
}

// addDefinition numbers a task definition. The caller holds the lock.
func (a *AWS) addDefinition(region, family string, d *taskDefinition) *taskDefinition {
	prefix := a.ecsARN(region, "task-definition/")
	d.family, d.status, d.registered, d.revision = family, active, a.clock(), 1
	if all := a.state.revisions(prefix, family); len(all) > 0 {
		d.revision = all[len(all)-1].revision + 1
	}
	d.arn = fmt.Sprintf("%s%s:%d", prefix, family, d.revision)
	a.state.definitions[d.arn] = d
	return d
}

// addTask adds a task with a new id. The caller holds the lock.
func (a *AWS) addTask(region, cluster string) *task {
	clusterName := cluster[strings.LastIndexByte(cluster, '/')+1:]
	id := hexID()
	t := &task{
		arn: a.ecsARN(region, "task/"+clusterName+"/"+id), cluster: cluster, status: running,
		launchType: "FARGATE", created: a.clock(), tags: map[string]string{},
	}
	a.state.tasks[t.arn] = t
	return t
}

// hexID returns 32 hexadecimal digits, as ECS names tasks.
func hexID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x", b)
}

func ownTags(tags map[string]string) map[string]string {
	own := maps.Clone(tags)
	if own == nil {
		own = map[string]string{}
	}
	return own
}

// HasCluster reports whether an active cluster of that name is in the
// configured region.
func (a *AWS) HasCluster(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.activeCluster(a.ecsARN(a.region, "cluster/"+name)) != nil
}

// HasService reports whether an active service is in the configured region.
func (a *AWS) HasService(cluster, name string) bool {
	_, ok := a.DesiredCount(cluster, name)
	return ok
}

// DesiredCount returns how many tasks an active service wants.
func (a *AWS) DesiredCount(cluster, name string) (int, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state.activeService(a.ecsARN(a.region, "service/"+cluster+"/"+name))
	if s == nil {
		return 0, false
	}
	return s.desired, true
}

// Tags returns a copy of a resource's tags; nil if it is not there.
func (a *AWS) Tags(arn string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.state.tagsOf(arn))
}

// SetTag sets one tag of a resource, as if someone else had tagged it between
// two requests. It reports whether the resource is there.
func (a *AWS) SetTag(arn, key, value string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	tags := a.state.tagsOf(arn)
	if tags == nil {
		return false
	}
	tags[key] = value
	return true
}

// RemoveTag takes a tag off a resource.
func (a *AWS) RemoveTag(arn, key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.state.tagsOf(arn), key)
}
