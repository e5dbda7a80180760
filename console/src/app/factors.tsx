import { plural } from '../../../src/domain/plural.ts';
import { ActionButton } from './action-button.tsx';
import { type Factor, type FactorKind, type Factors, removeFactor, removeFactors } from './api-users.ts';
import { momentInWords } from './moment.ts';
import { Table } from './table.tsx';

const KINDS: Readonly<Record<FactorKind, string>> = { totp: 'authenticator app', passkey: 'passkey' };

export const factorKindInWords = (kind: FactorKind) => KINDS[kind];

interface Props {
  readonly userId: string;
  readonly factors: Factors;
  readonly onDone: () => void;
}

/** The second factors of an account. An operator removes those that the user has lost. */
export function FactorSection({ userId, factors: { items, recoveryCodes }, onDone }: Props) {
  return (
    <>
      <h2>Second factors</h2>
      {items.length === 0 ? (
        <p>This account has no second factor.</p>
      ) : (
        <>
          <Table
            label="Second factors"
            caption={`${plural(items.length, 'factor')}, oldest first, and ${plural(recoveryCodes, 'unused recovery code')}`}
            columns={['Label', 'Kind', 'Added', 'Last use', 'Actions']}
          >
            {items.map((factor) => (
              <FactorRow key={factor.id} userId={userId} factor={factor} onDone={onDone} />
            ))}
          </Table>
          <p class="buttons">
            <ActionButton
              label="Remove all second factors"
              consequence="The password alone signs the user in. The recovery codes are removed, too. The user gets a mail about each factor."
              run={(reason) => removeFactors(userId, reason)}
              onDone={onDone}
            />
          </p>
        </>
      )}
    </>
  );
}

interface RowProps {
  readonly userId: string;
  readonly factor: Factor;
  readonly onDone: () => void;
}

function FactorRow({ userId, factor, onDone }: RowProps) {
  const { id, kind, label, createdAt, lastUsedAt } = factor;
  return (
    <tr>
      <th scope="row" class="long">
        <bdi>{label}</bdi>
      </th>
      <td>{factorKindInWords(kind)}</td>
      <td>{momentInWords(Date.parse(createdAt))}</td>
      <td>{lastUsedAt === undefined ? 'never' : momentInWords(Date.parse(lastUsedAt))}</td>
      <td>
        <ActionButton
          label="Remove factor"
          consequence={`The ${factorKindInWords(kind)} “${label}” is removed. The user gets a mail about it.`}
          run={(reason) => removeFactor(userId, id, reason)}
          onDone={onDone}
        />
      </td>
    </tr>
  );
}
