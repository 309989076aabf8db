using System.Reflection;
using System.Text;
using Streams.Testing;

namespace Streams.Client.Tests;

/// <summary>What others compile against changes on purpose or not at all: it is written down beside each project.</summary>
public class PublicSurfaceTests
{
    private const string Accept = "STREAMS_ACCEPT_SURFACE";

    [Theory]
    [InlineData("Streams.Core")]
    [InlineData("Streams.Mqtt")]
    [InlineData("Streams.Client")]
    [InlineData("Streams.Client.Hosting")]
    [InlineData("Streams.Client.Reactive")]
    public void What_is_public_is_what_is_written_down(string project)
    {
        string file = Path.Combine(Repository.Root, "sdk", project, "PublicSurface.txt");
        IReadOnlyList<string> actual = PublicSurface.Of(Assembly.Load(project));
        if (Environment.GetEnvironmentVariable(Accept) == "1")
        {
            File.WriteAllText(file, string.Join('\n', actual) + "\n");
        }

        string[] written = File.Exists(file) ? File.ReadAllLines(file) : [];
        StringBuilder difference = new();
        foreach (string line in written.Except(actual))
        {
            difference.Append("\n- ").Append(line);
        }

        foreach (string line in actual.Except(written))
        {
            difference.Append("\n+ ").Append(line);
        }

        Assert.True(difference.Length == 0, $"The public surface of {project} has changed:{difference}\nIf that is meant, run this test"
            + $" with {Accept}=1 in the environment, look at the change of sdk/{project}/PublicSurface.txt, and commit it; a line with a"
            + " minus breaks who uses it.");
    }

    [Fact]
    public void A_change_of_a_signature_is_seen()
    {
        IReadOnlyList<string> lines = PublicSurface.Of(typeof(StreamsClient).Assembly);
        Assert.Contains("Streams.Client.StreamsClient : sealed class : IAsyncDisposable", lines);
        Assert.Contains("Streams.Client.StreamsClient.FlushAsync(CancellationToken cancellationToken = default) : Task", lines);
        Assert.Contains("Streams.Client.ClusterOptions.Name : required string { get init }", lines);
        Assert.Contains("Streams.Client.ClusterOptions.UserName : string? { get init }", lines);
        Assert.Contains("Streams.Client.StreamsClient.ConnectionChanged : event Action<Streams.Core.ClusterName?>?", lines);
        Assert.Contains("Streams.Client.TypedEvents.ReadAllAsync<T>(this Streams.Client.StreamsConsumer consumer,"
            + " Streams.Client.IEventSerializer<T> serializer, CancellationToken cancellationToken = default) :"
            + " static IAsyncEnumerable<Streams.Client.ReceivedEvent<T>>", lines);
        Assert.DoesNotContain(lines, static line => line.Contains("EventOutbox", StringComparison.Ordinal));
    }
}
