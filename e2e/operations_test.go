//go:build e2e

package e2e

// sample is one call of an operation of ecs_resource_management. In params,
// ${name} is a seeded name or one that an earlier sample kept.
type sample struct {
	operation string
	params    string
	keep      map[string]string // name: path in the answer
}

// samples holds every operation once, in an order in which moto can serve
// them: what is described was created before, what is deleted is not needed
// any more.
var samples = []sample{
	{"CreateCluster", `{"clusterName":"lab","tags":[{"key":"Environment","value":"staging"}]}`, nil},
	{"DescribeClusters", `{"clusters":["lab","staging"],"include":["TAGS"]}`, nil},
	{"ListClusters", `{}`, nil},
	{"UpdateCluster", `{"cluster":"lab","settings":[{"name":"containerInsights","value":"enabled"}]}`, nil},
	{"UpdateClusterSettings", `{"cluster":"lab","settings":[{"name":"containerInsights","value":"disabled"}]}`, nil},
	{"CreateCapacityProvider", `{"name":"spare","autoScalingGroupProvider":{"autoScalingGroupArn":"arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:0a1b2c3d-0000-4000-8000-000000000000:autoScalingGroupName/spare"},"tags":[{"key":"Team","value":"web"}]}`, nil},
	{"DescribeCapacityProviders", `{"capacityProviders":["spare"]}`, nil},
	{"UpdateCapacityProvider", `{"name":"spare","autoScalingGroupProvider":{"managedScaling":{"status":"ENABLED","targetCapacity":90}}}`, nil},
	{"PutClusterCapacityProviders", `{"cluster":"lab","capacityProviders":["FARGATE"],"defaultCapacityProviderStrategy":[{"capacityProvider":"FARGATE","weight":1}]}`, nil},
	{"DeleteCapacityProvider", `{"capacityProvider":"spare"}`, nil},

	{"RegisterTaskDefinition", `{"family":"lab","executionRoleArn":"${executionRole}","containerDefinitions":[{"name":"web","image":"${image}","memory":64}],"tags":[{"key":"Team","value":"web"}]}`, nil},
	{"DescribeTaskDefinition", `{"taskDefinition":"lab:1","include":["TAGS"]}`, nil},
	{"ListTaskDefinitions", `{"familyPrefix":"lab"}`, nil},
	{"ListTaskDefinitionFamilies", `{"familyPrefix":"lab"}`, nil},

	{"CreateService", `{"cluster":"lab","serviceName":"web","taskDefinition":"lab:1","desiredCount":1,"tags":[{"key":"Team","value":"web"}]}`, map[string]string{"labService": "service.serviceArn"}},
	{"DescribeServices", `{"cluster":"lab","services":["web"],"include":["TAGS"]}`, nil},
	{"ListServices", `{"cluster":"lab"}`, nil},
	{"ListServicesByNamespace", `{"namespace":"lab"}`, nil},
	{"UpdateService", `{"cluster":"lab","service":"web","desiredCount":0}`, nil},
	{"ListServiceDeployments", `{"cluster":"lab","service":"web"}`, nil},
	{"DescribeServiceDeployments", `{"serviceDeploymentArns":["arn:aws:ecs:us-east-1:123456789012:service-deployment/lab/web/0123456789abcdefghijk"]}`, nil},
	{"DescribeServiceRevisions", `{"serviceRevisionArns":["arn:aws:ecs:us-east-1:123456789012:service-revision/lab/web/0123456789012345678"]}`, nil},
	{"StopServiceDeployment", `{"serviceDeploymentArn":"arn:aws:ecs:us-east-1:123456789012:service-deployment/lab/web/0123456789abcdefghijk"}`, nil},
	{"TagResource", `{"resourceArn":"${labService}","tags":[{"key":"Team","value":"web"}]}`, nil},
	{"ListTagsForResource", `{"resourceArn":"${labService}"}`, nil},
	{"UntagResource", `{"resourceArn":"${labService}","tagKeys":["Team"]}`, nil},
	{"DeleteService", `{"cluster":"lab","service":"web","force":true}`, nil},

	{"RegisterContainerInstance", `{"cluster":"lab","instanceIdentityDocument":${identityText},"tags":[{"key":"Team","value":"web"}]}`, map[string]string{"labInstance": "containerInstance.containerInstanceArn"}},
	{"ListContainerInstances", `{"cluster":"lab"}`, nil},
	{"DescribeContainerInstances", `{"cluster":"lab","containerInstances":["${labInstance}"]}`, nil},
	{"UpdateContainerInstancesState", `{"cluster":"lab","containerInstances":["${labInstance}"],"status":"ACTIVE"}`, nil},
	{"UpdateContainerAgent", `{"cluster":"lab","containerInstance":"${labInstance}"}`, nil},
	{"PutAttributes", `{"cluster":"lab","attributes":[{"name":"rack","value":"1","targetId":"${labInstanceId}"}]}`, nil},
	{"ListAttributes", `{"cluster":"lab","targetType":"container-instance","attributeName":"rack"}`, nil},
	{"DeleteAttributes", `{"cluster":"lab","attributes":[{"name":"rack","value":"1","targetId":"${labInstanceId}"}]}`, nil},
	{"DiscoverPollEndpoint", `{"cluster":"lab","containerInstance":"${labInstance}"}`, nil},

	{"RunTask", `{"cluster":"lab","taskDefinition":"lab:1","count":1,"tags":[{"key":"Team","value":"web"}]}`, map[string]string{"labTask": "tasks.0.taskArn"}},
	{"StartTask", `{"cluster":"lab","taskDefinition":"lab:1","containerInstances":["${labInstance}"],"tags":[{"key":"Team","value":"web"}]}`, nil},
	{"ListTasks", `{"cluster":"lab"}`, nil},
	{"DescribeTasks", `{"cluster":"lab","tasks":["${labTask}"]}`, nil},
	{"GetTaskProtection", `{"cluster":"lab","tasks":["${labTask}"]}`, nil},
	{"UpdateTaskProtection", `{"cluster":"lab","tasks":["${labTask}"],"protectionEnabled":true}`, nil},
	{"ExecuteCommand", `{"cluster":"lab","task":"${labTask}","container":"web","command":"id","interactive":true}`, nil},
	{"SubmitTaskStateChange", `{"cluster":"lab","task":"${labTask}","status":"RUNNING"}`, nil},
	{"SubmitContainerStateChange", `{"cluster":"lab","task":"${labTask}","containerName":"web","status":"RUNNING"}`, nil},
	{"SubmitAttachmentStateChanges", `{"cluster":"lab","attachments":[{"attachmentArn":"arn:aws:ecs:us-east-1:123456789012:attachment/0b1c2d3e-0000-4000-8000-000000000000","status":"ATTACHED"}]}`, nil},
	{"StopTask", `{"cluster":"lab","task":"${labTask}","reason":"e2e"}`, nil},
	{"DeregisterContainerInstance", `{"cluster":"lab","containerInstance":"${labInstance}","force":true}`, nil},

	{"CreateTaskSet", `{"cluster":"staging","service":"external","taskDefinition":"web:1","tags":[{"key":"Team","value":"web"}]}`, map[string]string{"taskSet": "taskSet.id"}},
	{"DescribeTaskSets", `{"cluster":"staging","service":"external","taskSets":["${taskSet}"]}`, nil},
	{"UpdateTaskSet", `{"cluster":"staging","service":"external","taskSet":"${taskSet}","scale":{"value":50,"unit":"PERCENT"}}`, nil},
	{"UpdateServicePrimaryTaskSet", `{"cluster":"staging","service":"external","primaryTaskSet":"${taskSet}"}`, nil},
	{"DeleteTaskSet", `{"cluster":"staging","service":"external","taskSet":"${taskSet}","force":true}`, nil},

	{"CreateExpressGatewayService", `{"serviceName":"express","executionRoleArn":"${executionRole}","infrastructureRoleArn":"${infrastructureRole}","primaryContainer":{"image":"${image}"}}`, nil},
	{"DescribeExpressGatewayService", `{"serviceArn":"arn:aws:ecs:us-east-1:123456789012:service/default/express"}`, nil},
	{"UpdateExpressGatewayService", `{"serviceArn":"arn:aws:ecs:us-east-1:123456789012:service/default/express","cpu":"512"}`, nil},
	{"DeleteExpressGatewayService", `{"serviceArn":"arn:aws:ecs:us-east-1:123456789012:service/default/express"}`, nil},

	{"PutAccountSetting", `{"name":"containerInsights","value":"enabled"}`, nil},
	{"PutAccountSettingDefault", `{"name":"containerInsights","value":"enabled"}`, nil},
	{"ListAccountSettings", `{"name":"containerInsights"}`, nil},
	{"DeleteAccountSetting", `{"name":"containerInsights"}`, nil},

	{"DeregisterTaskDefinition", `{"taskDefinition":"lab:1"}`, nil},
	{"DeleteTaskDefinitions", `{"taskDefinitions":["lab:1"]}`, nil},
	{"DeleteCluster", `{"cluster":"lab"}`, nil},
}
