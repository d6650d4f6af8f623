output "proxy_role_arn" {
  description = "the role to run the proxy with"
  value       = aws_iam_role.proxy.arn
}

output "persona_role_arns" {
  description = "personas.NAME.role of the configuration, by persona"
  value       = { for name, role in aws_iam_role.persona : name => role.arn }
}
