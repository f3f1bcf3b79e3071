import { inBand, rpc } from './row.ts';

const ASKED = 'The tool asked for something that is not available here. Reference {ref}.';

export const asks = {
  'asks.denied': inBand(-31160, ASKED, 'the server asked for what `asks` of its block does not grant'),
  'asks.url': inBand(-31161, ASKED, 'a page to open is https and on a host that `asks.hosts` names'),
  'asks.secret': inBand(-31162, ASKED, 'a form must not ask for a password, a token or a key'),
  'asks.shape': inBand(-31163, ASKED, 'the question is not one of MCP, or too large'),
  'asks.rounds': inBand(-31164, 'The tool asked too often. Reference {ref}.', 'over 8 rounds in one call'),
  'asks.dropped': rpc(200, -31167, 'edited', 'members that MCP does not have, or that nobody checks, were left out'),
  'asks.capability': rpc(
    400,
    -32021,
    'the client does not support what this call needs',
    'data.requiredCapabilities lists what the client would have to declare',
  ),
  'asks.state': rpc(
    200,
    -32602,
    'invalid request state',
    'unknown, expired, spent, or made for another caller, thing or arguments: make the call anew',
  ),
  'asks.answers': rpc(200, -32602, 'invalid input responses', 'not of the shape that was asked for'),
  'asks.full': rpc(200, -31165, 'too many questions are open', 'answer some: 16 calls of one caller may wait at once'),
  'asks.unanswered': rpc(
    200,
    -31166,
    'the client did not answer what the tool needs',
    'it answered with an error, or not within 10 minutes',
  ),
} as const;
