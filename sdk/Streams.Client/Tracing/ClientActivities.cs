using System.Diagnostics;
using Streams.Core;

namespace Streams.Client;

/// <summary>The activities <c>publish</c> and <c>consume</c>. Tags have the names of OpenTelemetry's conventions for messaging (1.45, which
/// are not declared stable); the stream is the destination, since topics are too many to be one.</summary>
internal static class ClientActivities
{
    private static readonly ActivitySource Source = new(ClientMetrics.Name);

    /// <summary>Whether somebody listens.</summary>
    public static bool HasListeners => Source.HasListeners();

    /// <summary>An event goes into the outbox: a child of what is current.</summary>
    public static Activity? Publish(StreamPath stream, in PlainEvent content, TopicName topic)
    {
        Activity? activity = Source.StartActivity("publish", ActivityKind.Producer);
        if (activity is { IsAllDataRequested: true })
        {
            Describe(activity, "publish", "send", stream, topic);
            activity.SetTag("messaging.message.body.size", content.Payload.Length);
        }

        return activity;
    }

    /// <summary>An event is in the hands of the application, until it asks for the next. Linked to the publishing, not its child: that may
    /// be days ago, and one batch may be made of many.</summary>
    public static Activity? Consume(ReceivedEvent received, ConsumerOptions options)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        ActivityContext published = received.TraceContext;
        Activity? activity = Source.StartActivity(ActivityKind.Consumer, name: "consume",
            links: published == default ? null : [new ActivityLink(published)]);
        if (activity is { IsAllDataRequested: true })
        {
            Describe(activity, "consume", "process", received.Stream, received.Topic);
            activity.SetTag("messaging.destination.partition.id", received.Partition.ToString());
            activity.SetTag("messaging.consumer.group.name", options.Name.Value);
            activity.SetTag("messaging.message.body.size", received.Payload.Length);
            activity.SetTag("streams.place", received.Place.ToString());
        }

        return activity;
    }

    /// <summary>It went wrong.</summary>
    public static void Fail(Activity? activity, Exception why)
    {
        activity?.SetTag("error.type", why.GetType().FullName);
        activity?.SetStatus(ActivityStatusCode.Error, why.Message);
    }

    private static void Describe(Activity activity, string name, string type, StreamPath stream, TopicName topic)
    {
        activity.DisplayName = $"{name} {stream.Value}";
        activity.SetTag("messaging.system", "streams");
        activity.SetTag("messaging.operation.name", name);
        activity.SetTag("messaging.operation.type", type);
        activity.SetTag("messaging.destination.name", stream.Value);
        activity.SetTag("streams.topic", topic.Value);
    }
}
