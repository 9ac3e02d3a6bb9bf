// DescribeUserScramCredentials (KIP-554)
// No listener authenticates and no user has credentials: of all users there are none, and each that is
// named is not found. kafka-configs asks this beside the quotas of users.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const describeUserScramCredentials = handler(
  apis.describeUserScramCredentials,
  { min: 0, max: 0 },
  (_broker, { users }) => {
    const named = new Set<string>()
    const twice = new Set<string>()
    for (const { name } of users ?? []) {
      if (named.has(name)) twice.add(name)
      named.add(name)
    }
    const results = Array.from(named, (user) => (twice.has(user) ? duplicate(user) : unknown(user)))
    return { errorCode: 0, errorMessage: null, results }
  },
)

function unknown(user: string) {
  const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`
  return { user, errorCode: errors.RESOURCE_NOT_FOUND, errorMessage, credentialInfos: [] }
}

function duplicate(user: string) {
  const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
  return { user, errorCode: errors.DUPLICATE_RESOURCE, errorMessage, credentialInfos: [] }
}
