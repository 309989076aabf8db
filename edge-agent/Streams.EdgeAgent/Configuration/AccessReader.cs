using System.Collections.Immutable;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>Reads who may do what.</summary>
internal static class AccessReader
{
    private const int MaxUsers = 10_000;
    private const int MaxRules = 10_000;
    private const int MaxFilters = 100;

    /// <summary>Reads it; what is wrong is among the faults.</summary>
    public static AccessOptions Read(ConfigObject? access)
    {
        if (access is null)
        {
            return AccessOptions.Open;
        }

        ImmutableDictionary<string, PasswordHash>.Builder users = ImmutableDictionary.CreateBuilder<string, PasswordHash>();
        foreach (ConfigObject user in access.Objects("users", MaxUsers))
        {
            user.Require("name", "\"press-1\"");
            user.Require("password", "what the verb 'password' prints");
            string? name = user.Text("name");
            PasswordHash? hash = user.Read<PasswordHash>("password", PasswordHash.TryParse, null, isSecret: true);
            if (name is not null && hash is not null && !users.TryAdd(name, hash))
            {
                user.Fault("name", $"'{name}' is the name of another user too");
            }

            user.End();
        }

        bool hasRules = access.Has("rules");
        ImmutableArray<AccessRule> rules = [.. access.Objects("rules", MaxRules).Select(Rule)];
        access.End();
        return new AccessOptions(users.ToImmutable(), hasRules ? rules : null);
    }

    private static AccessRule Rule(ConfigObject rule)
    {
        AccessRule read = new()
        {
            Listener = rule.Text("listener"),
            User = rule.Text("user"),
            Certificate = rule.Text("certificate"),
            Client = rule.Text("client"),
            Publish = rule.Texts<TopicPattern>("publish", MaxFilters, TopicPattern.TryParse),
            Subscribe = rule.Texts<TopicPattern>("subscribe", MaxFilters, TopicPattern.TryParse),
        };
        rule.End();
        return read;
    }
}
