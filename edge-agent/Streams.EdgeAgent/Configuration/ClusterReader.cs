using System.Collections.Immutable;
using System.Text;
using Streams.Client;
using Streams.Core;
using Streams.Mqtt;

namespace Streams.EdgeAgent;

/// <summary>Reads which clusters the agent speaks to, what goes up to them and what comes down.</summary>
internal static class ClusterReader
{
    private const int MaxClusters = 64;
    private const int MaxStreams = 256;
    private const int MaxPasswordBytes = 64 << 10;

    /// <summary>Reads it; what is wrong is among the faults.</summary>
    /// <param name="clusters">The object; <see langword="null"/> for no clusters.</param>
    /// <param name="name">The agent's name.</param>
    /// <param name="folder">What names of files count from.</param>
    public static ClusterOptionsOfAgent? Read(ConfigObject? clusters, ClusterName name, string folder)
    {
        if (clusters is null)
        {
            return null;
        }

        clusters.Require("to", "[ \"sj=mqtts://sj.example.com:8883\" ]");
        ClusterOptionsOfAgent options = new()
        {
            To = clusters.Texts<ClusterEndpoint>("to", MaxClusters, IsEndpoint),
            User = clusters.Text("user"),
            PasswordFile = In(folder, clusters.Text("passwordFile")),
            Certificate = In(folder, clusters.Text("certificate")),
            Key = In(folder, clusters.Text("key")),
            Trust = In(folder, clusters.Text("trust")),
            Up = clusters.Has("up") ? clusters.Texts<StreamPath>("up", MaxStreams, StreamPath.TryParse) : null,
            Compression = clusters.Word("compression", BatchCompression.None, ("none", BatchCompression.None),
                ("deflate", BatchCompression.Deflate), ("brotli", BatchCompression.Brotli)),
            SendCap = clusters.Object("sendCap") is { } cap ? SendCapReader.Read(cap) : null,
            Down = [.. clusters.Objects("down", MaxStreams).Select(down => Down(down, name))],
        };
        if (clusters.Has("to") && options.To.IsEmpty)
        {
            clusters.Fault("to", "has no element: name a cluster, or leave clusters out");
        }

        if (options.To.Any(to => to.Name == name))
        {
            clusters.Fault("to", $"'{name}' is this agent: what it sent there would come back");
        }

        if (options.PasswordFile is { } file && Password(file) is null)
        {
            clusters.Fault("passwordFile", $"{file} cannot be read, or is greater than {MaxPasswordBytes} bytes");
        }

        if (options.Key is not null && options.Certificate is null)
        {
            clusters.Fault("key", $"needs {clusters.At("certificate")}");
        }

        clusters.End();
        return options;
    }

    /// <summary>The password in a file, without the end of its line; <see langword="null"/> when it cannot be read.</summary>
    public static byte[]? Password(string file)
    {
        try
        {
            return new FileInfo(file).Length > MaxPasswordBytes ? null : Encoding.UTF8.GetBytes(File.ReadAllText(file).TrimEnd('\r', '\n'));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static DownlinkOptions Down(ConfigObject down, ClusterName name)
    {
        down.Require("stream", "\"/orders\"");
        DownlinkOptions options = new(down.Read<StreamPath>("stream", StreamPath.TryParse, default),
            down.Read<ConsumerName>("consumer", ConsumerName.TryParse, ConsumerName.Parse($"agent/{name}")),
            down.Texts<string>("filters", OpenRequest.MaxFilters, IsFilter),
            down.Word("start", StartPosition.Earliest, ("earliest", StartPosition.Earliest), ("latest", StartPosition.Latest)));
        if (options.ToStream().Fault is { } fault)
        {
            down.Fault("stream", fault);
        }

        down.End();
        return options;
    }

    private static bool IsEndpoint(string? text, out ClusterEndpoint? endpoint, out string? fault)
    {
        try
        {
            endpoint = ClusterEndpoint.Parse(text ?? string.Empty);
            fault = null;
            return true;
        }
        catch (ConfigurationException e)
        {
            (endpoint, fault) = (null, e.Message);
            return false;
        }
    }

    private static bool IsFilter(string? text, out string? filter, out string? fault)
    {
        filter = text;
        fault = TopicFilter.FaultInFilter(text ?? string.Empty, shares: false);
        return fault is null;
    }

    private static string? In(string folder, string? file) => file is null ? null : Path.Combine(folder, file);
}
