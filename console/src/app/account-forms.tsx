import type { ComponentChildren } from 'preact';
import { ActionButton } from './action-button.tsx';
import { type Account, accountChanges, changeAccount, createAccount, type NewAccount } from './api-users.ts';
import { go } from './router.tsx';

/** A button that makes an account. Its user gets a mail with a link that sets the password. */
export function CreateAccount() {
  return (
    <ActionButton
      label="Create account"
      consequence="The user gets a mail with a link, valid for 7 days, that sets the password and confirms the address."
      harmless
      fields={<AccountFields />}
      run={async (reason, fields) => {
        const { id } = await createAccount(readFields(fields), reason);
        go(`/users/${id}`);
      }}
      onDone={() => {}}
    />
  );
}

interface ChangeProps {
  readonly account: Account;
  readonly onDone: () => void;
}

/** A button that changes the name or the address of an account. */
export function ChangeAccount({ account, onDone }: ChangeProps) {
  return (
    <ActionButton
      label="Change account"
      consequence="A change of the address is final: the former address gets a notice, and earlier links are void. An address that is not confirmed gets a link that confirms it."
      harmless
      fields={<AccountFields account={account} />}
      run={async (reason, fields) => {
        const changes = accountChanges(account, readFields(fields));
        if (changes !== null) await changeAccount(account.id, changes, reason);
      }}
      onDone={onDone}
    />
  );
}

function AccountFields({ account }: { readonly account?: Account }): ComponentChildren {
  return (
    <>
      <TextField name="username" label="Name" value={account?.username} />
      <TextField name="email" label="Address" value={account?.email} />
      <p>
        <label>
          <input type="checkbox" name="emailVerified" defaultChecked={account?.emailVerified ?? false} /> The
          address is confirmed
        </label>
      </p>
    </>
  );
}

interface TextFieldProps {
  readonly name: string;
  readonly label: string;
  readonly value: string | undefined;
}

function TextField({ name, label, value = '' }: TextFieldProps) {
  const id = `account-${name}`;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        defaultValue={value}
        maxLength={320}
        required
        autocomplete="off"
        spellcheck={false}
      />
    </p>
  );
}

function readFields(fields: FormData): NewAccount {
  return {
    username: String(fields.get('username')).trim(),
    email: String(fields.get('email')).trim(),
    emailVerified: fields.get('emailVerified') === 'on',
  };
}
