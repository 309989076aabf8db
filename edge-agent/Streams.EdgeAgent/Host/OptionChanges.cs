namespace Streams.EdgeAgent;

/// <summary>Tells what differs between two configurations.</summary>
internal static class OptionChanges
{
    /// <summary>The keys of what differs and cannot be taken while running.</summary>
    public static IReadOnlyList<string> NeedingRestart(AgentOptions now, AgentOptions next)
    {
        List<string> parts = [];
        Differs("name", now.Name != next.Name);
        Differs("data", now.DataDirectory != next.DataDirectory);
        Differs("store", now.Store with { Cluster = next.Name, Path = next.Store.Path } != next.Store);
        Differs("listeners", !now.Listeners.Select(Listening).SequenceEqual(next.Listeners.Select(Listening)));
        Differs("http", now.Http != next.Http);
        Differs("clusters", !ClusterOptionsOfAgent.AreSame(now.Clusters, next.Clusters));
        Differs("limits", now.Limits != next.Limits);
        Differs("log", now.LogLevels != next.LogLevels
            && !(now.LogLevels.Default == next.LogLevels.Default && now.LogLevels.ByCategory.SequenceEqual(next.LogLevels.ByCategory)));
        return parts;

        void Differs(string part, bool differs)
        {
            if (differs)
            {
                parts.Add(part);
            }
        }

        // What a listener asks for is access, and taken at once.
        static ListenerOptions Listening(ListenerOptions listener) => listener with { SignIn = default };
    }
}
