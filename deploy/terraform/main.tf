# The roles of ecs-mcp-proxy: its own, and one for each persona. A test evaluates
# this module and compares every policy with cloudformation/roles.yaml.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  # Conditions that must not be there when there is no external id.
  external_id = var.external_id == "" ? {} : { "sts:ExternalId" = var.external_id }

  proxy_trust = {
    ecs = [{
      Sid       = "Tasks"
      Effect    = "Allow"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:ecs:${var.region}:${local.account}:*" }
      }
    }]
    eks-pod-identity = [{
      Sid       = "Pods"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:RequestTag/kubernetes-namespace"       = var.namespace
          "aws:RequestTag/kubernetes-service-account" = var.service_account
        }
      }
    }]
    eks-irsa = [{
      Sid       = "ServiceAccount"
      Effect    = "Allow"
      Principal = { Federated = "arn:${local.partition}:iam::${local.account}:oidc-provider/${var.oidc_provider}" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${var.oidc_provider}:aud" = "sts.amazonaws.com"
          "${var.oidc_provider}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account}"
        }
      }
    }]
  }
}

resource "aws_iam_role" "proxy" {
  name        = "${var.prefix}proxy"
  description = "ecs-mcp-proxy itself: lends the personas' roles and looks up tags"

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.proxy_trust[var.runtime]
  })
}

resource "aws_iam_role_policy" "proxy" {
  name = "lend-and-look-up"
  role = aws_iam_role.proxy.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LendPersonas"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
        Resource = [for name in sort(var.personas) : "arn:${local.partition}:iam::${local.account}:role/${var.prefix}${name}"]
      },
      {
        Sid       = "LookUpTags"
        Effect    = "Allow"
        Action    = local.facts
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = var.region } }
      },
    ]
  })
}

resource "aws_iam_policy" "boundary" {
  name        = "${var.prefix}region-and-production"
  description = "Permissions boundary: one region, and production is not deleted."
  policy      = local.boundary
}

resource "aws_iam_role" "persona" {
  for_each = var.personas

  name                 = "${var.prefix}${each.key}"
  permissions_boundary = aws_iam_policy.boundary.arn

  # Each of the three actions carries other keys, so each has its own statement.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OneCall"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.proxy.arn }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = merge({ "aws:RequestTag/persona" = each.key }, local.external_id)
          StringLike   = { "sts:SourceIdentity" = "?*", "sts:RoleSessionName" = "ecsmcp-*" }
        }
      },
      {
        Sid       = "Tagged"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.proxy.arn }
        Action    = "sts:TagSession"
        Condition = { StringEquals = { "aws:RequestTag/persona" = each.key } }
      },
      {
        Sid       = "OfSomebody"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.proxy.arn }
        Action    = "sts:SetSourceIdentity"
        Condition = { StringLike = { "sts:SourceIdentity" = "?*" } }
      },
    ]
  })

  lifecycle {
    precondition {
      condition     = length([for value in values(local.needs[each.key]) : value if value == ""]) == 0
      error_message = "${each.key} needs ${join(", ", keys(local.needs[each.key]))}."
    }
  }
}

resource "aws_iam_role_policy" "persona" {
  for_each = var.personas

  name   = each.key
  role   = aws_iam_role.persona[each.key].id
  policy = local.permissions[each.key]
}
