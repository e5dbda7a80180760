# Turns the output of `firebase auth:export users.json` into lines for `kinship users import`. The parameters are those of
# the project, as the console shows them: $key, $separator, $rounds and $memory.
.users[]
| select(.disabled != true and .email)
| {
    username: .email,
    email,
    emailVerified: (.emailVerified // false),
    createdAt: (.createdAt | tonumber / 1000 | floor | todate)
  }
  + if .passwordHash then
      {
        passwordHash:
          ("$firebase-scrypt$ln=\($memory),r=\($rounds),p=1,ss=\($separator),sk=\($key)" + "$\(.salt)$\(.passwordHash)")
      }
    else {}
    end
