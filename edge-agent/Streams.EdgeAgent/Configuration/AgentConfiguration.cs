using System.Collections.Immutable;
using System.Text.Json;
using Streams.Core;
using Streams.Gateways;

namespace Streams.EdgeAgent;

/// <summary>Reads the agent's configuration: one JSON file, in which comments are allowed. All faults are reported together, each with
/// the path of the value.</summary>
internal static class AgentConfiguration
{
    /// <summary>The name of the store's file in the data directory.</summary>
    public const string StoreFile = "agent.db";

    private const int MaxFileBytes = 4 << 20;
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads a file. Names of files in it count from the folder it is in.</summary>
    /// <param name="path">The file.</param>
    /// <param name="now">The time, by which certificates are valid or not.</param>
    /// <param name="checkFiles">Whether the files that it names are looked at.</param>
    /// <exception cref="ConfigurationException">Something is wrong; every fault is a line of the message.</exception>
    public static AgentOptions Load(string path, DateTimeOffset now, bool checkFiles = true)
    {
        byte[] bytes;
        try
        {
            FileInfo file = new(path);
            if (file is { Exists: true, Length: > MaxFileBytes })
            {
                throw new ConfigurationException($"{path}: {file.Length} bytes are too many for a configuration");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            string why = fault is FileNotFoundException or DirectoryNotFoundException ? "there is no such file"
                : fault.Message.ReplaceLineEndings(" ");
            throw new ConfigurationException($"{path}: {why}");
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Read(bytes, folder, now, checkFiles);
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="ConfigurationException">Something is wrong; every fault is a line of the message.</exception>
    public static AgentOptions Read(ReadOnlyMemory<byte> json, string folder, DateTimeOffset now, bool checkFiles = true)
    {
        List<string> faults = [];
        AgentOptions? options = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Lenient);
            options = Read(new ConfigObject(document.RootElement, string.Empty, faults), folder, faults);
        }
        catch (JsonException fault)
        {
            faults.Add($"line {fault.LineNumber + 1}, column {fault.BytePositionInLine + 1}: no JSON: "
                + fault.Message.Split(" LineNumber:")[0].ReplaceLineEndings(" "));
        }

        if (options is not null)
        {
            CheckTogether(options, faults);
            if (checkFiles)
            {
                CheckFiles(options, now, faults);
            }
        }

        return faults.Count == 0 ? options! : throw new ConfigurationException(string.Join('\n', faults));
    }

    /// <summary>Adds what is wrong with the files that are named.</summary>
    public static void CheckFiles(AgentOptions options, DateTimeOffset now, List<string> faults)
    {
        foreach (TlsOptions tls in options.Listeners.Select(static l => l.Tls).OfType<TlsOptions>())
        {
            TlsFiles.Read(tls, faults)?.Load(now, faults);
        }
    }

    private static AgentOptions Read(ConfigObject root, string folder, List<string> faults)
    {
        root.Require("name", "\"plant-7\", unique among agents and clusters");
        root.Require("data", "\"/var/lib/streams-edge\"");
        root.Require("listeners", "[ { \"name\": \"devices\", \"address\": \"*:1883\" } ]");
        ClusterName name = root.Read<ClusterName>("name", ClusterName.TryParse, default);
        string data = Path.Combine(folder, root.Text("data") ?? string.Empty);
        AgentOptions options = new()
        {
            Name = name,
            DataDirectory = data,
            Store = Store(root.Object("store"), Path.Combine(data, StoreFile), name),
            Listeners = [.. root.Objects("listeners", 16).Select(listener => ListenerReader.Read(listener, folder))],
            Access = AccessReader.Read(root.Object("access")),
            Http = root.Read<ListenAddress?>("http", IsAddressOrOff, AgentOptions.DefaultHttp),
            Clusters = ClusterReader.Read(root.Object("clusters"), name, folder),
            Routes = RouteReader.Read(root),
            Limits = LimitReader.Read(root.Object("limits")),
            DrainLimit = root.Duration("drainLimit", TimeSpan.FromSeconds(10), TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            Provision = Provision(root.Object("provision"), folder),
            LogLevels = root.Read<LogLevels>("log", LogLevels.TryParse, LogLevels.Standard)!,
        };
        if (root.Has("listeners") && options.Listeners.IsEmpty && faults.Count == 0)
        {
            root.Fault("listeners", "has no element: nobody could connect");
        }

        root.End();
        return options;
    }

    private static LocalStoreOptions Store(ConfigObject? store, string file, ClusterName name)
    {
        LocalStoreOptions options = new(file, name);
        if (store is null)
        {
            return options;
        }

        options = options with
        {
            MaxBytes = store.Bytes("maxBytes", options.MaxBytes, LocalStoreOptions.LeastBytes, 1L << 44),
            WhenFull = store.Word("whenFull", options.WhenFull, ("refuse", WhenStoreFull.Refuse), ("dropOldest", WhenStoreFull.DropOldest)),
        };
        store.End();
        return options;
    }

    private static ProvisionOptions? Provision(ConfigObject? provision, string folder)
    {
        if (provision is null)
        {
            return null;
        }

        provision.Require("command", "[ \"/usr/lib/streams-edge/provision\" ]");
        ImmutableArray<string> command = provision.Texts("command", 64, (string? text, out string? value, out string? fault) =>
        {
            value = text;
            fault = string.IsNullOrEmpty(text) || text.Contains('\0', StringComparison.Ordinal) ? "must not be empty" : null;
            return fault is null;
        });
        TimeSpan limit = provision.Duration("limit", TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        if (provision.Has("command") && command.IsEmpty)
        {
            provision.Fault("command", "must name a program");
        }

        provision.End();
        return command.IsEmpty ? null : new ProvisionOptions([Path.Combine(folder, command[0]), .. command[1..]], limit);
    }

    private static bool IsAddressOrOff(string? text, out ListenAddress? address, out string? fault)
    {
        address = null;
        fault = null;
        if (text == "off")
        {
            return true;
        }

        bool isAddress = ListenAddress.TryParse(text, out ListenAddress at, out fault);
        fault = isAddress ? null : fault + ", or \"off\"";
        address = at;
        return isAddress;
    }

    private static void CheckTogether(AgentOptions options, List<string> faults)
    {
        List<(string Path, ListenAddress At)> all = [.. options.Listeners.Select((l, i) => ($"listeners[{i}].address", l.Address))];
        if (options.Http is { } http)
        {
            all.Add(("http", http));
        }

        for (int i = 0; i < all.Count; i++)
        {
            for (int j = i + 1; j < all.Count; j++)
            {
                if (all[i].At.Collides(all[j].At))
                {
                    faults.Add($"{all[j].Path}: wants port {all[j].At.Port}, as {all[i].Path} does");
                }
            }
        }

        for (int i = 0; i < options.Listeners.Length; i++)
        {
            if (options.Listeners.Take(i).Any(earlier => earlier.Name == options.Listeners[i].Name))
            {
                faults.Add($"listeners[{i}].name: '{options.Listeners[i].Name}' is the name of another listener too");
            }

            if (options.Listeners[i].SignIn == SignInRule.Password && options.Access.Users.IsEmpty)
            {
                faults.Add($"listeners[{i}].signIn: asks for passwords, but access.users has no user");
            }
        }

        for (int i = 0; i < (options.Access.Rules?.Length ?? 0); i++)
        {
            AccessRule rule = options.Access.Rules!.Value[i];
            if (rule.Listener is { } listener && options.Listeners.All(l => l.Name != listener))
            {
                faults.Add($"access.rules[{i}].listener: '{listener}' is none of the listeners");
            }

            if (rule.User is { } user && !options.Access.Users.ContainsKey(user))
            {
                faults.Add($"access.rules[{i}].user: '{user}' is none of access.users");
            }
        }
    }
}
