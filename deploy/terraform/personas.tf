# Written by "go run ./deploy/gen" from rego/personas; a test fails when they differ. Edit those, not this.

locals {
  # What each persona may do. Unindented they are what the proxy decides by.
  permissions = {
    # Deploys and manages everything of ECS and what belongs to it.
    "deployment" = jsonencode({
      "Version" = "2012-10-17"
      "Statement" = [
        {
          "Sid"    = "ECSFullAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecs:*",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "ECRFullAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecr:*",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CloudFormationManagement"
          "Effect" = "Allow"
          "Action" = [
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStackResources",
            "cloudformation:ListStacks",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "IAMPassRole"
          "Effect" = "Allow"
          "Action" = [
            "iam:PassRole",
          ]
          "Resource" = "arn:${local.partition}:iam::${local.account}:role/${var.task_roles}"
          "Condition" = {
            "StringEquals" = {
              "iam:PassedToService" = "ecs-tasks.amazonaws.com"
            }
          }
        },
        {
          "Sid"    = "IAMRoleManagement"
          "Effect" = "Allow"
          "Action" = [
            "iam:CreateRole",
            "iam:AttachRolePolicy",
            "iam:PutRolePolicy",
            "iam:GetRole",
            "iam:ListRolePolicies",
            "iam:ListAttachedRolePolicies",
          ]
          "Resource" = "arn:${local.partition}:iam::${local.account}:role/${var.managed_roles}"
        },
        {
          "Sid"    = "CloudWatchLogs"
          "Effect" = "Allow"
          "Action" = [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "NetworkManagement"
          "Effect" = "Allow"
          "Action" = [
            "ec2:DescribeVpcs",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:CreateSecurityGroup",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:AuthorizeSecurityGroupEgress",
            "elasticloadbalancing:*",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CallerIdentity"
          "Effect" = "Allow"
          "Action" = [
            "sts:GetCallerIdentity",
          ]
          "Resource" = "*"
        },
      ]
    })

    # Builds, deploys and deletes Express Mode services.
    "express-mode" = jsonencode({
      "Version" = "2012-10-17"
      "Statement" = [
        {
          "Sid"    = "ExpressGatewayServiceAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecs:CreateExpressGatewayService",
            "ecs:UpdateExpressGatewayService",
            "ecs:DeleteExpressGatewayService",
            "ecs:DescribeExpressGatewayService",
            "ecs:DescribeServices",
            "ecs:ListServices",
            "ecs:DescribeTasks",
            "ecs:ListTasks",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "ECRForExpressMode"
          "Effect" = "Allow"
          "Action" = [
            "ecr:CreateRepository",
            "ecr:PutImage",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:BatchCheckLayerAvailability",
            "ecr:GetAuthorizationToken",
            "ecr:DescribeRepositories",
            "ecr:ListImages",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CloudFormationForExpressMode"
          "Effect" = "Allow"
          "Action" = [
            "cloudformation:CreateStack",
            "cloudformation:UpdateStack",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "IAMForExpressMode"
          "Effect" = "Allow"
          "Action" = [
            "iam:GetRole",
            "iam:CreateRole",
            "iam:AttachRolePolicy",
          ]
          "Resource" = [
            "arn:${local.partition}:iam::${local.account}:role/ecsTaskExecutionRole",
            "arn:${local.partition}:iam::${local.account}:role/ecsInfrastructureRoleForExpressServices",
            "arn:${local.partition}:iam::${local.account}:role/*-ecr-role",
          ]
        },
        {
          "Sid"    = "PassTaskExecutionRole"
          "Effect" = "Allow"
          "Action" = [
            "iam:PassRole",
          ]
          "Resource" = "arn:${local.partition}:iam::${local.account}:role/ecsTaskExecutionRole"
          "Condition" = {
            "StringEquals" = {
              "iam:PassedToService" = "ecs-tasks.amazonaws.com"
            }
          }
        },
        {
          "Sid"    = "PassInfrastructureRole"
          "Effect" = "Allow"
          "Action" = [
            "iam:PassRole",
          ]
          "Resource" = "arn:${local.partition}:iam::${local.account}:role/ecsInfrastructureRoleForExpressServices"
          "Condition" = {
            "StringEquals" = {
              "iam:PassedToService" = "ecs.amazonaws.com"
            }
          }
        },
        {
          "Sid"    = "ImagePushRole"
          "Effect" = "Allow"
          "Action" = [
            "sts:AssumeRole",
          ]
          "Resource" = "arn:${local.partition}:iam::${local.account}:role/*-ecr-role"
        },
        {
          "Sid"    = "PrerequisiteValidation"
          "Effect" = "Allow"
          "Action" = [
            "iam:GetRole",
            "ecr:DescribeImages",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CallerIdentity"
          "Effect" = "Allow"
          "Action" = [
            "sts:GetCallerIdentity",
          ]
          "Resource" = "*"
        },
      ]
    })

    # Uses the ECS MCP server that AWS manages: all of its tools but the one that reads IAM.
    "managed-server" = jsonencode({
      "Version" = "2012-10-17"
      "Statement" = [
        {
          "Sid"    = "MCPServerAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecs-mcp:UseMcp",
            "ecs-mcp:InvokeReadOnlyTools",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "ECSReadAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListClusters",
            "ecs:ListServices",
            "ecs:ListTasks",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CloudWatchLogsAccess"
          "Effect" = "Allow"
          "Action" = [
            "logs:FilterLogEvents",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "NetworkDiagnostics"
          "Effect" = "Allow"
          "Action" = [
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTargetGroups",
          ]
          "Resource" = "*"
        },
      ]
    })

    # Sees ECS resources and ECR repositories; changes nothing.
    "read-only-monitoring" = jsonencode({
      "Version" = "2012-10-17"
      "Statement" = [
        {
          "Sid"    = "ECSReadOnly"
          "Effect" = "Allow"
          "Action" = [
            "ecs:DescribeClusters",
            "ecs:ListClusters",
            "ecs:DescribeServices",
            "ecs:ListServices",
            "ecs:DescribeTasks",
            "ecs:ListTasks",
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitions",
            "ecs:DescribeContainerInstances",
            "ecs:ListContainerInstances",
            "ecs:DescribeCapacityProviders",
            "ecs:ListAttributes",
            "ecs:ListTagsForResource",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "ECRReadOnly"
          "Effect" = "Allow"
          "Action" = [
            "ecr:DescribeRepositories",
            "ecr:ListImages",
            "ecr:DescribeImages",
          ]
          "Resource" = "*"
        },
      ]
    })

    # Watches one cluster and manages one service in it.
    "service-specific" = jsonencode({
      "Version" = "2012-10-17"
      "Statement" = [
        {
          "Sid"    = "SpecificClusterAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecs:DescribeServices",
            "ecs:DescribeTasks",
          ]
          "Resource" = [
            "arn:${local.partition}:ecs:${var.region}:${local.account}:service/${var.cluster}/*",
            "arn:${local.partition}:ecs:${var.region}:${local.account}:task/${var.cluster}/*",
          ]
        },
        {
          "Sid"    = "SpecificClusterLists"
          "Effect" = "Allow"
          "Action" = [
            "ecs:ListServices",
            "ecs:ListTasks",
          ]
          "Resource" = "*"
          "Condition" = {
            "ArnEquals" = {
              "ecs:cluster" = "arn:${local.partition}:ecs:${var.region}:${local.account}:cluster/${var.cluster}"
            }
          }
        },
        {
          "Sid"    = "TaskDefinitionsOfTheAccount"
          "Effect" = "Allow"
          "Action" = [
            "ecs:DescribeTaskDefinition",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "SpecificServiceManagement"
          "Effect" = "Allow"
          "Action" = [
            "ecs:UpdateService",
            "ecs:StopTask",
          ]
          "Resource" = [
            "arn:${local.partition}:ecs:${var.region}:${local.account}:service/${var.cluster}/${var.service}",
            "arn:${local.partition}:ecs:${var.region}:${local.account}:task/${var.cluster}/*",
          ]
        },
        {
          "Sid"    = "SpecificServiceTasks"
          "Effect" = "Allow"
          "Action" = [
            "ecs:StartTask",
          ]
          "Resource" = "arn:${local.partition}:ecs:${var.region}:${local.account}:task-definition/${var.service}:*"
          "Condition" = {
            "ArnEquals" = {
              "ecs:cluster" = "arn:${local.partition}:ecs:${var.region}:${local.account}:cluster/${var.cluster}"
            }
          }
        },
        {
          "Sid"    = "CloudWatchLogsForService"
          "Effect" = "Allow"
          "Action" = [
            "logs:GetLogEvents",
            "logs:FilterLogEvents",
          ]
          "Resource" = [
            "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/ecs/${var.service}",
            "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/ecs/${var.service}:*",
          ]
        },
      ]
    })

    # Sees what explains a failing deployment: events, logs, stacks, network, images.
    "troubleshooting" = jsonencode({
      "Version" = "2012-10-17"
      "Statement" = [
        {
          "Sid"    = "ECSReadAccess"
          "Effect" = "Allow"
          "Action" = [
            "ecs:DescribeClusters",
            "ecs:ListClusters",
            "ecs:DescribeServices",
            "ecs:ListServices",
            "ecs:DescribeTasks",
            "ecs:ListTasks",
            "ecs:DescribeTaskDefinition",
            "ecs:ListTaskDefinitions",
            "ecs:DescribeContainerInstances",
            "ecs:ListContainerInstances",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CloudWatchLogsAccess"
          "Effect" = "Allow"
          "Action" = [
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:GetLogEvents",
            "logs:FilterLogEvents",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "CloudFormationReadAccess"
          "Effect" = "Allow"
          "Action" = [
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStackResources",
            "cloudformation:ListStacks",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "NetworkDiagnostics"
          "Effect" = "Allow"
          "Action" = [
            "ec2:DescribeVpcs",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeNetworkInterfaces",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "ECRImagePullDiagnostics"
          "Effect" = "Allow"
          "Action" = [
            "ecr:DescribeRepositories",
            "ecr:DescribeImages",
            "ecr:GetAuthorizationToken",
          ]
          "Resource" = "*"
        },
        {
          "Sid"    = "TroubleshootingTool"
          "Effect" = "Allow"
          "Action" = [
            "ecs:ListTagsForResource",
            "ecs:ListTaskDefinitionFamilies",
            "cloudformation:ListStackResources",
            "ec2:DescribeRouteTables",
            "ec2:DescribeNatGateways",
            "ec2:DescribeInternetGateways",
          ]
          "Resource" = "*"
        },
      ]
    })

  }

  # Permissions boundary: one region, and production is not deleted.
  boundary = jsonencode({
    "Version" = "2012-10-17"
    "Statement" = [
      {
        "Sid"      = "AllowAll"
        "Effect"   = "Allow"
        "Action"   = "*"
        "Resource" = "*"
      },
      {
        "Sid"    = "RegionRestriction"
        "Effect" = "Deny"
        "NotAction" = [
          "account:*",
          "aws-marketplace:*",
          "billing:*",
          "budgets:*",
          "ce:*",
          "cloudfront:*",
          "cur:*",
          "globalaccelerator:*",
          "health:*",
          "iam:*",
          "importexport:*",
          "networkmanager:*",
          "organizations:*",
          "pricing:*",
          "route53:*",
          "route53domains:*",
          "shield:*",
          "sts:*",
          "support:*",
          "tax:*",
          "trustedadvisor:*",
          "waf:*",
        ]
        "Resource" = "*"
        "Condition" = {
          "StringNotEquals" = {
            "aws:RequestedRegion" = "${var.region}"
          }
        }
      },
      {
        "Sid"    = "ProductionProtection"
        "Effect" = "Deny"
        "Action" = [
          "ecs:DeleteCluster",
          "ecs:DeleteService",
          "ecs:DeleteExpressGatewayService",
          "ecs:DeleteTaskSet",
          "ecs:DeleteTaskDefinitions",
          "ecs:DeregisterTaskDefinition",
          "ecs:DeleteCapacityProvider",
        ]
        "Resource" = "*"
        "Condition" = {
          "StringEqualsIgnoreCase" = {
            "aws:ResourceTag/Environment" = [
              "production",
              "prod",
            ]
          }
        }
      },
    ]
  })

  # What looking up tags needs.
  facts = [
    "cloudformation:DescribeStacks",
    "ecr:ListTagsForResource",
    "ecs:DescribeCapacityProviders",
    "ecs:DescribeClusters",
    "ecs:DescribeContainerInstances",
    "ecs:DescribeServices",
    "ecs:DescribeTaskDefinition",
    "ecs:DescribeTaskSets",
    "ecs:DescribeTasks",
    "logs:ListTagsForResource",
  ]

  # The variables that a persona needs.
  needs = {
    "deployment" = {
      "managed_roles" = var.managed_roles
      "task_roles"    = var.task_roles
    }
    "express-mode" = {
    }
    "managed-server" = {
    }
    "read-only-monitoring" = {
    }
    "service-specific" = {
      "cluster" = var.cluster
      "region"  = var.region
      "service" = var.service
    }
    "troubleshooting" = {
    }
  }
}

variable "managed_roles" {
  description = "names of the roles that may be created and changed; wildcards allowed"
  type        = string
  default     = "*"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@/*?-]*$", var.managed_roles))
    error_message = "Must be the names of the roles that may be created and changed; wildcards allowed."
  }
}

variable "task_roles" {
  description = "names of the roles that tasks may be given; wildcards allowed"
  type        = string
  default     = "*"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@/*?-]*$", var.task_roles))
    error_message = "Must be the names of the roles that tasks may be given; wildcards allowed."
  }
}

variable "region" {
  description = "the one region that is operated"
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@/-]+$", var.region))
    error_message = "Must be the one region that is operated."
  }
}

variable "cluster" {
  description = "name of the cluster"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@/-]*$", var.cluster))
    error_message = "Must be the name of the cluster."
  }
}

variable "service" {
  description = "name of the service, of its task definition family and of its log group /ecs/SERVICE"
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@/-]*$", var.service))
    error_message = "Must be the name of the service, of its task definition family and of its log group /ecs/SERVICE."
  }
}
