"""Fill an empty moto with what the tests look at; print the names as JSON.

Usage: seed.py ENDPOINT REGION
"""

import json
import sys
import time

import boto3
from moto.ec2.utils import generate_instance_identity_document

ENDPOINT, REGION = sys.argv[1:3]
ACCOUNT = "123456789012"
SESSION = boto3.Session("AKIAE2ESEED", "seed", region_name=REGION)


def client(service):
    return SESSION.client(service, endpoint_url=ENDPOINT)


ecs, ec2, elb = client("ecs"), client("ec2"), client("elbv2")
ecr, iam, logs, cfn = client("ecr"), client("iam"), client("logs"), client("cloudformation")


def tags(environment):
    return [{"key": "Environment", "value": environment}]


def role(name, service):
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    document = json.dumps(trust)
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]


def container(image):
    return [
        {
            "name": "web",
            "image": image,
            "memory": 128,
            "environment": [{"name": "DATABASE_PASSWORD", "value": "e2e-task-definition-secret"}],
        }
    ]


seeded = {"region": REGION, "account": ACCOUNT}

# Roles that tasks and Express services are given.
seeded["executionRole"] = role("ecsTaskExecutionRole", "ecs-tasks.amazonaws.com")
seeded["infrastructureRole"] = role(
    "ecsInfrastructureRoleForExpressServices", "ecs.amazonaws.com"
)

# An image, so that pulling it could work.
repository = ecr.create_repository(repositoryName="web")["repository"]["repositoryUri"]
manifest = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"digest": "sha256:" + "0" * 64},
    "layers": [],
}
ecr.put_image(repositoryName="web", imageManifest=json.dumps(manifest), imageTag="v1")
seeded["image"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/web:v1"

# A load balancer in the default network.
vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]
balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]
group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)
target_group = group["TargetGroups"][0]["TargetGroupArn"]
elb.create_listener(
    LoadBalancerArn=balancer["LoadBalancerArn"],
    Port=80,
    Protocol="HTTP",
    DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
)
seeded |= {"vpc": vpc, "subnet": subnets[0], "targetGroup": target_group}

# A stack that owns a task definition, and gave the staging cluster its tag.
template = {
    "Resources": {
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "Family": "stacked",
                "ContainerDefinitions": [{"Name": "web", "Image": seeded["image"], "Memory": 128}],
            },
        }
    }
}
cfn.create_stack(StackName="web-stack", TemplateBody=json.dumps(template))
stack_tag = [{"key": "aws:cloudformation:stack-name", "value": "web-stack"}]

# Two clusters: one to operate, one to be protected.
definition = ecs.register_task_definition(
    family="web",
    executionRoleArn=seeded["executionRole"],
    containerDefinitions=container(seeded["image"]),
    tags=tags("staging"),
)
seeded["taskDefinition"] = definition["taskDefinition"]["taskDefinitionArn"]
for name in ("staging", "production"):
    extra = stack_tag if name == "staging" else []
    cluster = ecs.create_cluster(clusterName=name, tags=tags(name) + extra)["cluster"]
    seeded[name + "Cluster"] = cluster["clusterArn"]
    service = ecs.create_service(
        cluster=name,
        serviceName="web",
        taskDefinition="web",
        desiredCount=1,
        loadBalancers=[
            {"targetGroupArn": target_group, "containerName": "web", "containerPort": 80}
        ],
        tags=tags(name),
    )["service"]
    seeded[name + "Service"] = service["serviceArn"]

external = {"type": "EXTERNAL"}
ecs.create_service(cluster="staging", serviceName="external", deploymentController=external)

# An instance to place tasks on, a running task and a stopped one.
image = ec2.describe_images()["Images"][0]["ImageId"]
instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
resource = boto3.resource(
    "ec2",
    endpoint_url=ENDPOINT,
    region_name=REGION,
    aws_access_key_id="AKIAE2ESEED",
    aws_secret_access_key="seed",
)
identity = json.dumps(generate_instance_identity_document(resource.Instance(instance)))
seeded["identityText"] = json.dumps(identity)
registered = ecs.register_container_instance(
    cluster="staging", instanceIdentityDocument=identity
)
seeded["instance"] = registered["containerInstance"]["containerInstanceArn"]
for name in ("task", "stoppedTask"):
    task = ecs.run_task(cluster="staging", taskDefinition="web", count=1)["tasks"][0]
    seeded[name] = task["taskArn"]
ecs.stop_task(cluster="staging", task=seeded["stoppedTask"], reason="e2e")

# What the tasks have to say, and what a namesake of the cluster has.
for group in ("/ecs/staging", "/ecs/staging-other"):
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="web")
    logs.put_log_events(
        logGroupName=group,
        logStreamName="web",
        logEvents=[{"timestamp": int(time.time() * 1000), "message": "ERROR from " + group}],
    )

json.dump(seeded, sys.stdout)
