# Turns the output of `kc.sh export --realm <realm> --file realm.json` into lines for `kinship users import`.
def unpadded: gsub("="; "");

def argon2($data; $secret):
  $data.additionalParameters as $parameters
  | "$argon2\($parameters.type[0])$v=19"
    + "$m=\($parameters.memory[0]),t=\($data.hashIterations),p=\($parameters.parallelism[0])"
    + "$\($secret.salt | unpadded)$\($secret.value | unpadded)";

def hash($data; $secret):
  if $data.algorithm == "argon2" then argon2($data; $secret)
  else "$\($data.algorithm)$i=\($data.hashIterations)$\($secret.salt)$\($secret.value)"
  end;

.users[]
| select(.enabled and .email)
| {id, username, email, emailVerified, createdAt: (.createdTimestamp / 1000 | floor | todate)}
  + (first(.credentials // [] | .[] | select(.type == "password"))
     // null
     | if . == null then {}
       else {passwordHash: hash(.credentialData | fromjson; .secretData | fromjson)}
       end)
