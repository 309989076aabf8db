using System.Security.Cryptography.X509Certificates;
using Streams.Core;

namespace Streams.Cluster;

/// <summary>Where etcd is and how patient its client is.</summary>
public sealed record EtcdOptions
{
    /// <summary>Most endpoints: etcd itself advises seven members at most.</summary>
    public const int MaxEndpoints = 16;

    /// <summary>The cluster whose catalog it is: all keys stand under <c>/streams/{cluster}/</c>.</summary>
    public required ClusterName Cluster { get; init; }

    /// <summary>Client URLs of etcd's members, one to <see cref="MaxEndpoints"/>, as in <c>http://10.0.0.1:2379</c>. All of one scheme.
    /// </summary>
    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>Who writes: a name that one process at a time has, the node's. A later process of the same name shuts the earlier one out.
    /// Letters, digits and dashes, 1 to 64.</summary>
    public required string Writer { get; init; }

    /// <summary>A user of etcd; <see langword="null"/>, the default, when its authentication is off.</summary>
    public string? User { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>Who may have signed etcd's certificates; <see langword="null"/>, the default: whoever this machine trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>The client's certificate and private key, where etcd asks for one. Default none.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>How long one member may take to answer. Default 2 s; 50 ms to a minute. Longer than an election of etcd's would only hide
    /// the next member.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a call may take over all attempts. Default 10 s; at least one attempt, at most ten minutes.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a silent watch is believed before it is made anew. Default 10 s; 100 ms to ten minutes.</summary>
    public TimeSpan WatchRenewal { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What is wrong, one fault a line; empty when nothing is.</summary>
    public IReadOnlyList<string> FindFaults()
    {
        List<string> faults = [];
        if (Endpoints.Count is 0 or > MaxEndpoints)
        {
            faults.Add($"etcd endpoints: {Endpoints.Count}, 1 to {MaxEndpoints} are allowed");
        }

        foreach (Uri endpoint in Endpoints)
        {
            if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https") || endpoint.PathAndQuery != "/"
                || endpoint.UserInfo.Length > 0)
            {
                faults.Add($"etcd endpoint '{endpoint}': as in https://10.0.0.1:2379, without path, user and password");
            }
            else if (endpoint.Scheme != Endpoints[0].Scheme)
            {
                faults.Add($"etcd endpoint '{endpoint}': all must be http or all https");
            }
        }

        if (Writer.Length is 0 or > 64 || !Writer.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
        {
            faults.Add($"etcd writer '{Writer}': 1 to 64 letters, digits and dashes");
        }

        if (User is null != Password is null)
        {
            faults.Add("etcd user and password: give both or none");
        }

        Between("attempt timeout", AttemptTimeout, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1), faults);
        Between("call timeout", CallTimeout, AttemptTimeout, TimeSpan.FromMinutes(10), faults);
        Between("watch renewal", WatchRenewal, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10), faults);
        return faults;
    }

    private static void Between(string name, TimeSpan value, TimeSpan least, TimeSpan most, List<string> faults)
    {
        if (value < least || value > most)
        {
            faults.Add($"etcd {name}: {value}, {least} to {most} are allowed");
        }
    }
}
