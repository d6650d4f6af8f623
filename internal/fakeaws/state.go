package fakeaws

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// state holds the resources of all regions, by ARN.
type state struct {
	clusters    map[string]*cluster
	services    map[string]*service
	tasks       map[string]*task
	definitions map[string]*taskDefinition
	fixtures    map[string]*fixture // also of ECR and CloudFormation
}

func newState() state {
	return state{map[string]*cluster{}, map[string]*service{}, map[string]*task{}, map[string]*taskDefinition{}, map[string]*fixture{}}
}

// Statuses of the ECS API. A deleted cluster or service stays as INACTIVE, as
// in ECS, and is no longer listed.
const (
	active   = "ACTIVE"
	inactive = "INACTIVE"
	running  = "RUNNING"
	stopped  = "STOPPED"
)

type cluster struct {
	arn, name, status string
	tags              map[string]string
}

type service struct {
	arn, name, status, cluster string // cluster: ARN
	definition                 string // ARN
	desired                    int
	launchType                 string
	created                    time.Time
	executeCommand             bool
	echo                       map[string]json.RawMessage // given members that are only given back
	tags                       map[string]string
}

type task struct {
	arn, cluster, definition, status, group, startedBy, launchType, stoppedReason string
	created                                                                       time.Time
	executeCommand                                                                bool
	tags                                                                          map[string]string
}

type taskDefinition struct {
	arn, family, status string
	revision            int
	registered          time.Time
	taskRole, execution string                     // role ARNs or empty
	echo                map[string]json.RawMessage // as for service
	tags                map[string]string
}

// tagsOf returns the tags of any resource that can have some; nil if it is not
// there or gone.
func (s state) tagsOf(arn string) map[string]string {
	if x := s.clusters[arn]; x != nil && x.status == active {
		return x.tags
	}
	if x := s.services[arn]; x != nil && x.status == active {
		return x.tags
	}
	if x := s.tasks[arn]; x != nil {
		return x.tags
	}
	if x := s.definitions[arn]; x != nil {
		return x.tags
	}
	if x := s.fixtures[arn]; x != nil {
		return x.tags
	}
	return nil
}

// activeCluster returns the cluster, or nil if it is not there or was deleted.
func (s state) activeCluster(arn string) *cluster {
	if x := s.clusters[arn]; x != nil && x.status == active {
		return x
	}
	return nil
}

// activeService is the same for a service.
func (s state) activeService(arn string) *service {
	if x := s.services[arn]; x != nil && x.status == active {
		return x
	}
	return nil
}

// servicesIn returns a cluster's services that were not deleted, by ARN.
func (s state) servicesIn(cluster string) []*service {
	var in []*service
	for _, x := range s.services {
		if x.cluster == cluster && x.status == active {
			in = append(in, x)
		}
	}
	slices.SortFunc(in, func(x, y *service) int { return strings.Compare(x.arn, y.arn) })
	return in
}

// tasksIn returns a cluster's tasks, by ARN.
func (s state) tasksIn(cluster string) []*task {
	var in []*task
	for _, x := range s.tasks {
		if x.cluster == cluster {
			in = append(in, x)
		}
	}
	slices.SortFunc(in, func(x, y *task) int { return strings.Compare(x.arn, y.arn) })
	return in
}

// revisions returns a region's task definitions of a family, oldest first.
func (s state) revisions(prefix, family string) []*taskDefinition {
	var all []*taskDefinition
	for _, x := range s.definitions {
		if x.family == family && strings.HasPrefix(x.arn, prefix) {
			all = append(all, x)
		}
	}
	slices.SortFunc(all, func(x, y *taskDefinition) int { return x.revision - y.revision })
	return all
}

// latest returns the newest active revision of a family, or nil.
func (s state) latest(prefix, family string) *taskDefinition {
	all := s.revisions(prefix, family)
	slices.Reverse(all)
	for _, x := range all {
		if x.status == active {
			return x
		}
	}
	return nil
}
