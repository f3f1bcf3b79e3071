/** Registrations of our own: good at their issuer alone, for as long as the issuer said. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Registrations } from '../../../src/secrets/credential/registrations.ts';
import { type Place, place } from '../vault/world.ts';

const ISSUER = 'https://id.example.com';
let here: Place;
let now = 0;
const all = () => new Registrations(here.open(), () => now);
beforeEach(() => {
  here = place();
  now = 1_000;
});
afterEach(() => here.close());

it('are found by issuer and way back, and by issuer and id, in another process too', async () => {
  const secret = { id: 'a', secret: 's', post: true };
  await all().keep(ISSUER, 'native', secret);
  expect(all().at(ISSUER, 'native')).toBe('a');
  expect(all().of(ISSUER, 'a')).toEqual(secret);
});

it('are nothing at another issuer, for another way back, or for another id', async () => {
  await all().keep(ISSUER, 'native', { id: 'a', secret: 's' });
  expect(all().at(`${ISSUER}/`, 'native')).toBeUndefined();
  expect(all().of(`${ISSUER}/`, 'a')).toBeUndefined();
  expect(all().at(ISSUER, 'https://gw.example.com')).toBeUndefined();
  expect(all().of(ISSUER, 'native')).toBeUndefined();
  expect(all().at(ISSUER, 'a')).toBeUndefined();
});

it('end when the issuer said: then a user has to connect again, and we register anew', async () => {
  await all().keep(ISSUER, 'native', { id: 'a', secret: 's', until: 5_000 });
  now = 4_999;
  expect([all().at(ISSUER, 'native'), all().of(ISSUER, 'a')?.secret]).toEqual(['a', 's']);
  now = 5_000;
  expect(all().at(ISSUER, 'native')).toBeUndefined();
  expect(() => all().of(ISSUER, 'a')).toThrow(expect.objectContaining({ name: 'OAuthFault', final: true }));
});

it('that come later leave the secret of tokens that the earlier one obtained', async () => {
  await all().keep(ISSUER, 'native', { id: 'a', secret: 's1' });
  await all().keep(ISSUER, 'native', { id: 'b', secret: 's2' });
  expect(all().at(ISSUER, 'native')).toBe('b');
  expect([all().of(ISSUER, 'a')?.secret, all().of(ISSUER, 'b')?.secret]).toEqual(['s1', 's2']);
});
