import t from 'tap';
import { importedNameFault } from '../../src/domain/imported-user.ts';
import { accountFault, identityOf } from '../../src/domain/user.ts';

const ADDRESS = 'mallory@evil.example';
const OTHERS = ['boss@example.com', 'boss\uFF20example.com', 'boss\uFE6Bexample.com'];

for (const username of OTHERS) {
  const account = { username, email: ADDRESS, emailVerifiedAt: 1 };

  t.test(`an account of another address cannot be named ${username}, nor be imported`, async (t) => {
    t.match(accountFault(username, ADDRESS), /a mail address other than/);
    t.match(importedNameFault(account), /an address other than/);
  });

  t.test(`an account of another address is never identified as ${username}`, async (t) => {
    t.equal(identityOf(account), null);
    t.equal(identityOf({ ...account, emailVerifiedAt: null }), null);
  });

  t.test(`the account of the address is identified as ${username} after it was verified`, async (t) => {
    const own = { ...account, email: 'boss@example.com' };
    t.equal(importedNameFault(own), null);
    t.equal(identityOf(own), username);
    t.equal(identityOf({ ...own, emailVerifiedAt: null }), null);
  });
}
