# What the documents of the personas leave open is in personas.tf.

variable "personas" {
  description = "the personas that get a role: deployment, express-mode, managed-server, read-only-monitoring, service-specific, troubleshooting"
  type        = set(string)
  default     = ["read-only-monitoring", "troubleshooting"]

  validation {
    condition     = length(var.personas) > 0
    error_message = "Must name a persona: without any the proxy could lend nothing."
  }
}

variable "prefix" {
  description = "what the roles' names begin with"
  type        = string
  default     = "ecs-mcp-"
}

variable "runtime" {
  description = "where the proxy runs: ecs, eks-pod-identity or eks-irsa"
  type        = string
  default     = "ecs"

  validation {
    condition     = contains(["ecs", "eks-pod-identity", "eks-irsa"], var.runtime)
    error_message = "Must be ecs, eks-pod-identity or eks-irsa."
  }
}

variable "oidc_provider" {
  description = "for eks-irsa: the cluster's issuer without https://"
  type        = string
  default     = ""
}

variable "namespace" {
  description = "for EKS: the namespace of the proxy's service account"
  type        = string
  default     = "ecs-mcp-proxy"
}

variable "service_account" {
  description = "for EKS: the proxy's service account"
  type        = string
  default     = "ecs-mcp-proxy"
}

variable "external_id" {
  description = "what the proxy must give as external id (personas.NAME.external_id); empty: nothing"
  type        = string
  default     = ""
}
