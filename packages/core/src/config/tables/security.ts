// Security configs. `channelConfigs` are those of brokers and clients alike, `brokerSecurityConfigs`
// those of brokers alone. None has an effect before TLS and SASL are there.

import {
  boolean,
  className,
  double,
  int,
  list,
  long,
  password,
  short,
  string,
} from '../definition.ts'
import { noJavaClasses, noKerberos, noSecurity } from './reasons.ts'

const security = { noEffect: noSecurity }
const kerberos = { noEffect: noKerberos }
const java = { noEffect: noJavaClasses }

const sslConfigs = {
  'ssl.protocol': string('TLSv1.3', 'The TLS version to begin with.', security),
  'ssl.enabled.protocols': list(['TLSv1.2', 'TLSv1.3'], 'TLS versions to accept.', security),
  'ssl.cipher.suites': list([], 'Cipher suites to allow; none named: the defaults.', security),
  'ssl.endpoint.identification.algorithm': string('https', 'Host name check.', security),
  'ssl.key.password': password('Password of the private key.', security),
  'ssl.keystore.certificate.chain': password('Own certificate chain, as PEM.', security),
  'ssl.keystore.key': password('Own private key, as PEM.', security),
  'ssl.keystore.location': string(null, 'File of the own key and certificate.', security),
  'ssl.keystore.password': password('Password of that file.', security),
  'ssl.keystore.type': string('JKS', 'Format of that file.', security),
  'ssl.truststore.certificates': password('Trusted certificates, as PEM.', security),
  'ssl.truststore.location': string(null, 'File of the trusted certificates.', security),
  'ssl.truststore.password': password('Password of that file.', security),
  'ssl.truststore.type': string('JKS', 'Format of that file.', security),
  'ssl.engine.factory.class': className(null, 'Class that makes TLS engines.', java),
  'ssl.keymanager.algorithm': string('SunX509', 'Key manager of the Java runtime.', java),
  'ssl.trustmanager.algorithm': string('PKIX', 'Trust manager of the Java runtime.', java),
  'ssl.provider': string(null, 'Security provider of the Java runtime.', java),
  'ssl.secure.random.implementation': string(null, 'Random source of the Java runtime.', java),
  'security.providers': string(null, 'Security providers of the Java runtime.', java),
} as const

const saslConfigs = {
  'sasl.jaas.config': password('Credentials, in the form of a JAAS line.', security),
  'sasl.client.callback.handler.class': className(null, 'Class of the client side.', java),
  'sasl.login.callback.handler.class': className(null, 'Class that handles log-ins.', java),
  'sasl.login.class': className(null, 'Class that logs in.', java),
  'sasl.kerberos.kinit.cmd': string('/usr/bin/kinit', 'Path of kinit.', kerberos),
  'sasl.kerberos.min.time.before.relogin': long(60_000, 'Pause between log-ins.', kerberos),
  'sasl.kerberos.service.name': string(null, 'Kerberos name of the service.', kerberos),
  'sasl.kerberos.ticket.renew.jitter': double(0.05, 'Jitter of renewals.', kerberos),
  'sasl.kerberos.ticket.renew.window.factor': double(0.8, 'When to renew.', kerberos),
  'sasl.login.connect.timeout.ms': int(null, 'Limit on reaching the log-in service.', security),
  'sasl.login.read.timeout.ms': int(null, 'Limit on its answer.', security),
  'sasl.login.refresh.buffer.seconds': short(300, 'Refresh so long before the end.', security),
  'sasl.login.refresh.min.period.seconds': short(60, 'Least time between refreshes.', security),
  'sasl.login.refresh.window.factor': double(0.8, 'Refresh after this share of life.', security),
  'sasl.login.refresh.window.jitter': double(0.05, 'Jitter of refreshes.', security),
  'sasl.login.retry.backoff.ms': long(100, 'First pause of a retried log-in.', security),
  'sasl.login.retry.backoff.max.ms': long(10_000, 'Longest pause of one.', security),
} as const

const oauthConfigs = {
  'sasl.oauthbearer.assertion.algorithm': string('RS256', 'How an assertion is signed.', {
    values: ['ES256', 'RS256'],
    ignoreCase: true,
    ...security,
  }),
  'sasl.oauthbearer.assertion.claim.aud': string(null, 'Audience of an assertion.', security),
  'sasl.oauthbearer.assertion.claim.exp.seconds': int(300, 'Life of one.', {
    min: 0,
    max: 86_400,
    ...security,
  }),
  'sasl.oauthbearer.assertion.claim.iss': string(null, 'Issuer of one.', security),
  'sasl.oauthbearer.assertion.claim.jti.include': boolean(false, 'Give it an id.', security),
  'sasl.oauthbearer.assertion.claim.nbf.seconds': int(60, 'Valid since.', {
    min: 0,
    max: 3600,
    ...security,
  }),
  'sasl.oauthbearer.assertion.claim.sub': string(null, 'Subject of one.', security),
  'sasl.oauthbearer.assertion.file': string(null, 'A ready assertion.', security),
  'sasl.oauthbearer.assertion.private.key.file': string(null, 'Key that signs.', security),
  'sasl.oauthbearer.assertion.private.key.passphrase': password('Its password.', security),
  'sasl.oauthbearer.assertion.template.file': string(null, 'Template of one.', security),
  'sasl.oauthbearer.client.credentials.client.id': string(null, 'Client id.', security),
  'sasl.oauthbearer.client.credentials.client.secret': password('Client secret.', security),
  'sasl.oauthbearer.clock.skew.seconds': int(30, 'Clock difference to allow.', security),
  'sasl.oauthbearer.expected.audience': list([], 'Audiences to accept.', security),
  'sasl.oauthbearer.expected.issuer': string(null, 'Issuer to accept.', security),
  'sasl.oauthbearer.header.urlencode': boolean(false, 'Encode the credentials.', security),
  'sasl.oauthbearer.jwks.endpoint.refresh.ms': long(3_600_000, 'Key refresh.', security),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.ms': long(100, 'First pause.', security),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms': long(10_000, 'Last one.', security),
  'sasl.oauthbearer.jwks.endpoint.url': string(null, 'Where keys are.', security),
  'sasl.oauthbearer.jwt.retriever.class': className(
    'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever',
    'Class that fetches tokens.',
    java,
  ),
  'sasl.oauthbearer.jwt.validator.class': className(
    'org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator',
    'Class that checks tokens.',
    java,
  ),
  'sasl.oauthbearer.scope': string(null, 'Scope to ask for.', security),
  'sasl.oauthbearer.scope.claim.name': string('scope', 'Claim of the scope.', security),
  'sasl.oauthbearer.sub.claim.name': string('sub', 'Claim of the subject.', security),
  'sasl.oauthbearer.token.endpoint.url': string(null, 'Where tokens come from.', security),
} as const

export const channelConfigs = { ...sslConfigs, ...saslConfigs, ...oauthConfigs } as const

export const brokerSecurityConfigs = {
  ...channelConfigs,
  'authorizer.class.name': string('', 'Class that decides who may do what.', security),
  'principal.builder.class': className(
    'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder',
    'Class that names the principal of a connection.',
    java,
  ),
  'super.users': string('', 'Principals that may do everything, by semicolons.', security),
  'allow.everyone.if.no.acl.found': boolean(false, 'What holds where no rule does.', security),
  'connection.failed.authentication.delay.ms': int(100, 'Pause before such an end.', {
    min: 0,
    ...security,
  }),
  'connections.max.reauth.ms': long(0, 'How long an authentication lasts.', security),
  'sasl.enabled.mechanisms': list(['GSSAPI'], 'SASL mechanisms to offer.', security),
  'sasl.mechanism.controller.protocol': string('GSSAPI', 'Towards controllers.', security),
  'sasl.mechanism.inter.broker.protocol': string('GSSAPI', 'Among brokers.', security),
  'sasl.kerberos.principal.to.local.rules': list(['DEFAULT'], 'Name mapping.', kerberos),
  'sasl.server.callback.handler.class': className(null, 'Class of the server side.', java),
  'sasl.server.max.receive.size': int(524_288, 'Largest frame before a log-in.', security),
  'ssl.client.auth': string('none', 'Whether clients show a certificate.', {
    values: ['required', 'requested', 'none'],
    ...security,
  }),
  'ssl.principal.mapping.rules': string('DEFAULT', 'Certificate name mapping.', security),
  'ssl.allow.dn.changes': boolean(false, 'Accept a new name at a renewal.', security),
  'ssl.allow.san.changes': boolean(false, 'Accept new alternative names too.', security),
  'delegation.token.secret.key': password('Key of delegation tokens.', security),
  'delegation.token.max.lifetime.ms': long(604_800_000, 'Longest life of one.', {
    min: 1,
    ...security,
  }),
  'delegation.token.expiry.time.ms': long(86_400_000, 'Life before a renewal.', {
    min: 1,
    ...security,
  }),
  'delegation.token.expiry.check.interval.ms': long(3_600_000, 'Sweep of old ones.', {
    min: 1,
    ...security,
  }),
} as const
