/**
 * Answers as PowerDNS gives them: `application/json` without a charset, because go-powerdns compares the whole header.
 */
import type { FastifyReply } from 'fastify';

/** `value` as JSON, its keys in their order; as octets, because Fastify adds a charset to text. */
export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return reply
    .status(status)
    .header('content-type', 'application/json')
    .send(Buffer.from(JSON.stringify(value)));
}

/** 204 without a body. */
export function sendNothing(reply: FastifyReply): FastifyReply {
  return reply.status(204).send();
}
