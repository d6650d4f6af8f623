// Answers cases of the verb simulate, a JSON line each, with
// @cloud-copilot/iam-simulate. It runs in a process of its own and is never
// shipped: that package is AGPL-3.0.
import { createInterface } from 'node:readline'
import { loadPolicy } from '@cloud-copilot/iam-policy'

// runSimulation also asks whether action and resource exist and drops the keys
// that an action does not have; runUnsafeSimulation drops the session policy. What
// both call does neither, and the package does not export it.
const inside = './node_modules/@cloud-copilot/iam-simulate/dist/esm/'
const { authorize } = await import(inside + 'core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await import(inside + 'request/request.js')
const { RequestContextImpl } = await import(inside + 'requestContext.js')
const { DiscoveryContextKeyConstraints } = await import(inside + 'context_keys/discoveryContextKeyConstraints.js')

// Principal and resource are of one account: what crosses accounts is decided by
// resource policies, and there are none.
const account = '123456789012'
const principal = `arn:aws:sts::${account}:assumed-role/task/session`

const words = { Allowed: 'allowed', ExplicitlyDenied: 'explicitDeny', ImplicitlyDenied: 'implicitDeny' }

function decide(c) {
  const load = (documents, layer) => documents.map((d, i) => loadPolicy(d, { name: layer + i }))
  const { action, resource, context } = c.request
  const { result } = authorize({
    // In a case "*" is the resource of an action that has none.
    request: new AwsRequestImpl(principal, { resource, accountId: account }, action, new RequestContextImpl(context), resource === '*'),
    identityPolicies: load(c.policies, 'policy'),
    permissionBoundaries: c.boundary && load([c.boundary].flat(), 'boundary'),
    sessionPolicy: c.session && loadPolicy(c.session, { name: 'session0' }),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    simulationParameters: { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) },
    serviceSettings: {},
  })
  return words[result] ?? String(result)
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let answer = { id: '' }
  try {
    const c = JSON.parse(line)
    answer.id = c.id
    answer.decision = decide(c)
  } catch (e) {
    answer.decision = 'invalid'
    answer.error = String(e)
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
