namespace Streams.Core;

/// <summary>The MQTT topics over which the SDK and the agent speak to a cluster; see docs/sdk-protocol.md.</summary>
public static class ProtocolTopics
{
    /// <summary>First levels of all of them. Other clients may neither publish nor subscribe below it.</summary>
    public const string Prefix = "$streams/v1/";

    /// <summary>Client to cluster, QoS 1: <see cref="HelloRequest"/>. Answered on <see cref="HelloReply"/>.</summary>
    public const string Hello = Prefix + "hello";

    /// <summary>Cluster to client, QoS 0: <see cref="Core.HelloReply"/>.</summary>
    public const string HelloReply = Prefix + "hello/reply";

    /// <summary>Client to cluster, QoS 1: <see cref="ProduceRequest"/>. PUBACK only when flushed, with the places as user property
    /// <see cref="PlacedProperty"/>.</summary>
    public const string Produce = Prefix + "produce";

    /// <summary>Client to cluster, QoS 1: <see cref="HellosRequest"/>. Answered on <see cref="HellosReply"/>. For clients that said
    /// <see cref="BundlesProperty"/>.</summary>
    public const string Hellos = Prefix + "hellos";

    /// <summary>Cluster to client, QoS 0: <see cref="Core.HellosReply"/>.</summary>
    public const string HellosReply = Prefix + "hellos/reply";

    /// <summary>Client to cluster, QoS 1: <see cref="Core.Bundle"/>. PUBACK only when everything taken is flushed, with an answer to each
    /// batch (<see cref="BundleAnswers"/>). For clients that said <see cref="BundlesProperty"/>.</summary>
    public const string Bundle = Prefix + "bundle";

    /// <summary>Client to cluster, QoS 1: <see cref="OpenRequest"/>. Answered on <see cref="OpenReply"/>.</summary>
    public const string Open = Prefix + "open";

    /// <summary>Cluster to client, QoS 0: <see cref="Core.OpenReply"/>.</summary>
    public const string OpenReply = Prefix + "open/reply";

    /// <summary>Cluster to client, QoS 0: <see cref="Delivery"/>, under the credit given.</summary>
    public const string Deliver = Prefix + "deliver";

    /// <summary>Client to cluster, QoS 1: <see cref="CommitRequest"/>. PUBACK when flushed.</summary>
    public const string Commit = Prefix + "commit";

    /// <summary>Client to cluster, QoS 0: <see cref="CreditGrant"/>.</summary>
    public const string Credit = Prefix + "credit";

    /// <summary>Client to cluster, QoS 1: <see cref="ResumeRequest"/> (rule R19f).</summary>
    public const string Resume = Prefix + "resume";

    /// <summary>Client to cluster, QoS 1: <see cref="SeekRequest"/>. Answered on <see cref="SeekReply"/>.</summary>
    public const string Seek = Prefix + "seek";

    /// <summary>Cluster to client, QoS 0: <see cref="Core.SeekReply"/>.</summary>
    public const string SeekReply = Prefix + "seek/reply";

    /// <summary>Client to cluster, QoS 1: <see cref="LagRequest"/>. Answered on <see cref="LagReply"/>.</summary>
    public const string Lag = Prefix + "lag";

    /// <summary>Cluster to client, QoS 0: <see cref="Core.LagReply"/>.</summary>
    public const string LagReply = Prefix + "lag/reply";

    /// <summary>Client to cluster, QoS 1: <see cref="CloseRequest"/>.</summary>
    public const string Close = Prefix + "close";

    /// <summary>Cluster to client, QoS 0: <see cref="SpreadHint"/>, to those who asked with <see cref="HintsProperty"/>.</summary>
    public const string Hint = Prefix + "hint";

    /// <summary>Agent to agent below it, QoS 0, to those who said <see cref="BundlesProperty"/>: its path was changed. As
    /// <see cref="PathProperty"/>, in UTF-8.</summary>
    public const string Path = Prefix + "path";

    /// <summary>User property of a CONNACK with <see cref="BundlesProperty"/>, of an edge agent: its name and, separated by spaces, those
    /// of all to whom what it is given goes on. Whoever finds its own name there sends nothing: it would come back.</summary>
    public const string PathProperty = "streams-path";

    /// <summary>User property of CONNECT: the client takes hints, up to the version that is its value. Servers that know none ignore
    /// it.</summary>
    public const string HintsProperty = "streams-hints";

    /// <summary>User property of CONNECT: the client sends for many producers on one connection, up to the version that is its value. Of
    /// the CONNACK that answers it: the cluster takes that, up to the version that is its value. A cluster that does not know it ignores
    /// it.</summary>
    public const string BundlesProperty = "streams-bundles";

    /// <summary>User property of a CONNACK with <see cref="BundlesProperty"/>: how many producers may have a session on the
    /// connection.</summary>
    public const string ProducersProperty = "streams-producers";

    /// <summary>User property of a CONNACK that says that the cluster is busy: milliseconds after which it will have room.</summary>
    public const string RetryAfterProperty = "retry-after-ms";

    /// <summary>User property of a PUBACK to <see cref="Produce"/>, one for each run placed: <c>first-last@origin:offset</c>
    /// (<see cref="PlacedRun"/>).</summary>
    public const string PlacedProperty = "placed";
}
